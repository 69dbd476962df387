import type { Era } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { readGroupName } from '../configuration/shared-settings.ts'
import type { SecurityService } from '../security.ts'
import { optionalText, readWord } from './query.ts'

/** Eras whose agents read their configuration from the twin. */
const ERAS: readonly Era[] = ['legacy', 'early', 'micro']

const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()])
const Body = Type.Object(
  {
    settings: Type.Record(Type.String({ maxLength: 256 }), Scalar),
    era: optionalText(`${ERAS.join(', ')}; default legacy`),
    moduleId: optionalText('Default: as agents of the era call theirs'),
    group: optionalText('Modules of this security group only'),
    where: optionalText('A further condition over the modules'),
  },
  { additionalProperties: false },
)

interface FleetBody {
  readonly settings: { readonly [name: string]: string | number | boolean }
  readonly era?: string
  readonly moduleId?: string
  readonly group?: string
  readonly where?: string
}

/** `/api/security/config/fleet`: settings of a fleet as an automatic configuration of the hub. */
export function fleetConfigurationRoutes(
  app: FastifyInstance,
  { security }: { readonly security: SecurityService },
): void {
  app.post<{ Body: FleetBody }>(
    '/api/security/config/fleet',
    {
      schema: {
        tags: ['security configuration'],
        summary: 'Content and target of the automatic configuration that says these settings',
        body: Body,
      },
    },
    async ({ body }) => {
      const { settings, moduleId, group, where } = body
      const era = readWord('era', body.era, ERAS) ?? 'legacy'
      return security.configurations.forFleet({
        ...{ settings, era },
        ...(moduleId !== undefined && { moduleId }),
        ...(group !== undefined && { group: readGroupName(group) }),
        ...(where !== undefined && { where }),
      })
    },
  )
}
