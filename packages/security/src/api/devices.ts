import { HubError, type JsonObject } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { SecurityService } from '../security.ts'
import type { ApiGuard } from './guard.ts'

const Params = Type.Object({ deviceId: Type.String() })
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])

/** Settings by name; `null` goes back to the default. */
const ConfigChange = Type.Object(
  { settings: Type.Record(Type.String({ maxLength: 256 }), Scalar) },
  { additionalProperties: false },
)

/** `/api/devices/{id}/security` and its configuration (security 01 §9, 02). */
export function deviceSecurityRoutes(
  app: FastifyInstance,
  { security, guard }: { security: SecurityService; guard: ApiGuard },
): void {
  const tags = ['security']

  app.get<{ Params: Static<typeof Params> }>(
    '/api/devices/:deviceId/security',
    { schema: { tags, summary: 'The security module twin of a device, whole', params: Params } },
    async ({ params }) => security.deviceSecurity(params.deviceId),
  )

  app.get<{ Params: Static<typeof Params> }>(
    '/api/devices/:deviceId/security/config',
    { schema: { tags, summary: 'Configuration: desired, reported, drift', params: Params } },
    async ({ params }) => security.configuration(params.deviceId),
  )

  app.patch<{ Params: Static<typeof Params>; Body: Static<typeof ConfigChange> }>(
    '/api/devices/:deviceId/security/config',
    {
      schema: {
        tags,
        summary: 'Change settings of the security agent; null goes back to the default',
        params: Params,
        body: ConfigChange,
      },
    },
    async (request) => {
      const settings = request.body.settings as JsonObject
      if (Object.keys(settings).length === 0) {
        throw new HubError('ArgumentInvalid', 'settings names nothing to change.')
      }
      return security.changeConfiguration(request.params.deviceId, settings, {
        by: guard.caller(request),
        isPrivileged: guard.isPrivileged(request),
      })
    },
  )
}
