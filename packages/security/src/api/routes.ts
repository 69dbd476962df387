import { HubError } from '@twinward/protocol'
import type { FastifyInstance, HTTPMethods } from 'fastify'
import type { SecurityService } from '../security.ts'
import { alertListRoutes } from './alert-lists.ts'
import { alertRoutes } from './alerts.ts'
import { baselineRoutes } from './baseline.ts'
import { configurationRoutes } from './configuration.ts'
import { customCheckRoutes } from './custom-checks.ts'
import { deviceSecurityRoutes } from './devices.ts'
import { eventRoutes } from './events.ts'
import { explainRoutes } from './explain.ts'
import { fleetConfigurationRoutes } from './fleet-configuration.ts'
import { groupRoutes } from './groups.ts'
import type { ApiGuard } from './guard.ts'
import { indicatorRoutes } from './indicators.ts'
import { ingestionRoutes } from './ingestion.ts'
import { moduleRoutes } from './modules.ts'
import { notificationRoutes } from './notifications.ts'
import { recommendationTypeRoutes } from './recommendation-types.ts'
import { recommendationRoutes } from './recommendations.ts'
import { ruleRoutes } from './rules.ts'
import { scoreRoutes } from './scores.ts'
import { sigmaRoutes } from './sigma.ts'
import { streamRoutes } from './stream.ts'
import { suppressionRoutes } from './suppressions.ts'
import { vulnerabilityRoutes } from './vulnerabilities.ts'

/** Routes of the contract that this version does not serve: 501, never a silent nothing. */
const NOT_YET: readonly (readonly [HTTPMethods, string])[] = [['POST', '/api/security/query']]

/** The security API, as a plugin of the HTTPS server. */
export async function securityRoutes(
  app: FastifyInstance,
  options: { security: SecurityService; guard: ApiGuard },
): Promise<void> {
  const { security, guard } = options
  app.addHook('onRequest', (request, reply) => guard.use(request, reply))
  deviceSecurityRoutes(app, options)
  configurationRoutes(app, options)
  fleetConfigurationRoutes(app, options)
  moduleRoutes(app, options)
  alertRoutes(app, options)
  alertListRoutes(app, options)
  recommendationRoutes(app, options)
  recommendationTypeRoutes(app, options)
  vulnerabilityRoutes(app, options)
  eventRoutes(app, security)
  ingestionRoutes(app, options)
  indicatorRoutes(app, options)
  ruleRoutes(app, options)
  sigmaRoutes(app, options)
  suppressionRoutes(app, options)
  explainRoutes(app, security)
  groupRoutes(app, options)
  scoreRoutes(app, options)
  baselineRoutes(app, options)
  customCheckRoutes(app, options)
  notificationRoutes(app, options)
  streamRoutes(app, options)
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
