import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { TypeStatus } from '../recommendations/recommendations.ts'
import type { SecurityService } from '../security.ts'
import type { ApiGuard } from './guard.ts'
import { readWord } from './query.ts'

const Status = Type.Object(
  { status: Type.String({ description: 'Enabled or Disabled' }) },
  { additionalProperties: false },
)
const Params = Type.Object({ name: Type.String({ description: 'Such as IoT_OpenPorts' }) })

const ROUTE = '/api/security/recommendation-types'
const tags = ['security']

/** `/api/security/recommendation-types`: what is computed, and the switches for the whole hub. */
export function recommendationTypeRoutes(
  app: FastifyInstance,
  { security, guard }: { readonly security: SecurityService; readonly guard: ApiGuard },
): void {
  const { recommendations } = security

  app.get(
    ROUTE,
    { schema: { tags, summary: 'List the types of recommendations with their texts and status' } },
    async () => ({ items: recommendations.types().map(typeView) }),
  )

  app.put<{ Params: Static<typeof Params>; Body: Static<typeof Status> }>(
    `${ROUTE}/:name`,
    {
      schema: {
        tags,
        summary: 'Switch a type of recommendations on or off; off, what is open is resolved',
        params: Params,
        body: Status,
      },
    },
    async (request) => {
      const { name } = request.params
      const status = readWord('status', request.body.status, ['Enabled', 'Disabled'] as const)
      if (status === undefined) throw new HubError('ArgumentInvalid', 'status is missing.')
      await recommendations.switchType(name, status === 'Disabled', guard.caller(request))
      const type = recommendations.types().find((one) => one.type.recommendationType === name)
      return type ? typeView(type) : {}
    },
  )
}

/** `name` is the display name, as where these switches were published (05 §2). */
function typeView({ type, dataSource, isFamily, computation, isOff }: TypeStatus): object {
  const { recommendationType, displayName, severity, description, remediationSteps } = type
  return {
    ...{ recommendationType, name: displayName, displayName },
    severity: isOff ? 'OffByPolicy' : severity,
    status: isOff ? 'Disabled' : 'Enabled',
    ...{ dataSource, isFamily, computation, description, remediationSteps },
  }
}
