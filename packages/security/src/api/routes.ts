import { HubError } from '@twinward/protocol'
import type { FastifyInstance, HTTPMethods } from 'fastify'
import type { SecurityService } from '../security.ts'
import { alertRoutes } from './alerts.ts'
import { configurationRoutes } from './configuration.ts'
import { deviceSecurityRoutes } from './devices.ts'
import { eventRoutes } from './events.ts'
import type { ApiGuard } from './guard.ts'
import { indicatorRoutes } from './indicators.ts'
import { ingestionRoutes } from './ingestion.ts'
import { moduleRoutes } from './modules.ts'
import { recommendationRoutes } from './recommendations.ts'
import { ruleRoutes } from './rules.ts'

/** Routes of the contract that this version does not serve: 501, never a silent nothing. */
const NOT_YET: readonly (readonly [HTTPMethods, string])[] = [
  ...(['GET', 'POST'] as const).map((method) => [method, '/api/security/groups'] as const),
  ...(['GET', 'PUT', 'DELETE'] as const).map(
    (method) => [method, '/api/security/groups/:name'] as const,
  ),
  ...(['GET', 'POST'] as const).map((method) => [method, '/api/security/suppressions'] as const),
  ...(['GET', 'PUT', 'DELETE'] as const).map(
    (method) => [method, '/api/security/suppressions/:id'] as const,
  ),
  ['POST', '/api/security/query'],
  ['GET', '/api/security/stream'],
]

/** The security API, as a plugin of the HTTPS server. */
export async function securityRoutes(
  app: FastifyInstance,
  options: { security: SecurityService; guard: ApiGuard },
): Promise<void> {
  const { security, guard } = options
  app.addHook('onRequest', (request, reply) => guard.use(request, reply))
  deviceSecurityRoutes(app, options)
  configurationRoutes(app, options)
  moduleRoutes(app, options)
  alertRoutes(app, options)
  recommendationRoutes(app, options)
  eventRoutes(app, security)
  ingestionRoutes(app, options)
  indicatorRoutes(app, options)
  ruleRoutes(app, options)
  app.get(
    '/api/security/analytics',
    { schema: { tags: ['security'], summary: 'Counts over the fleet' } },
    async () => security.findings.analytics(),
  )
  for (const [method, url] of NOT_YET) {
    app.route({
      method,
      url,
      schema: { tags: ['not yet'], summary: 'Not served by this version (501)' },
      handler: async () => {
        throw new HubError('NotImplemented', `${method} ${url} is not served by this version yet.`)
      },
    })
  }
}
