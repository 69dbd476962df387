import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { SecurityService } from '../security.ts'

const Params = Type.Object({ deviceId: Type.String() })
/** `/api/devices/{id}/security` (security 01 §9). */
export function deviceSecurityRoutes(
  app: FastifyInstance,
  { security }: { security: SecurityService },
): void {
  const tags = ['security']

  app.get<{ Params: Static<typeof Params> }>(
    '/api/devices/:deviceId/security',
    { schema: { tags, summary: 'The security module twin of a device, whole', params: Params } },
    async ({ params }) => security.deviceSecurity(params.deviceId),
  )
}
