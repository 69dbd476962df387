import { HubError } from '@twinward/protocol'
import type { ApiGuard } from '@twinward/security'
import type { FastifyInstance } from 'fastify'

/** In place of the security API, on a hub whose security service runs in another process. */
export async function securityElsewhereRoutes(
  app: FastifyInstance,
  { guard }: { readonly guard: ApiGuard },
): Promise<void> {
  app.addHook('onRequest', (request, reply) => guard.use(request, reply))
  for (const url of [
    '/api/security/*',
    '/api/devices/:deviceId/security',
    '/api/devices/:deviceId/security/*',
  ]) {
    app.all(url, { schema: { hide: true } }, async () => {
      throw new HubError(
        'NotImplemented',
        'The security service of this hub runs elsewhere (securityService is none): ask that one.',
      )
    })
  }
}
