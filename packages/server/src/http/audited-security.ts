import type { Hub } from '@twinward/hub'
import { type SecurityService, securityRoutes } from '@twinward/security'
import type { FastifyInstance } from 'fastify'
import { securityGuard } from './security-guard.ts'

const CHANGING: ReadonlySet<string> = new Set(['PUT', 'POST', 'PATCH', 'DELETE'])
/** Work on findings, questions and trials change no configuration. */
const NO_CONFIGURATION =
  /^\/api\/security\/(?:alerts|aggregatedAlerts|recommendations|query)\b|\/(?:test|try|dry-?run|preview|validate)$/i
const OK = 200
const REDIRECTION = 300

/** The security API, whose changes of configuration stand in the hub's audit log before they are answered. */
export async function auditedSecurityRoutes(
  app: FastifyInstance,
  { hub, security }: { readonly hub: Hub; readonly security: SecurityService },
): Promise<void> {
  app.addHook('onSend', async ({ method, url, grant, ip }, { statusCode }, payload) => {
    const [path = ''] = url.split('?')
    const isDone = statusCode >= OK && statusCode < REDIRECTION
    if (isDone && CHANGING.has(method) && !NO_CONFIGURATION.test(path)) {
      await hub.activity.audit.record({
        ...{ kind: 'security.change', outcome: 'success', address: ip },
        ...{ subject: `${method} ${path}`, ...(grant && { principal: grant.policyName }) },
      })
    }
    return payload
  })
  await app.register(securityRoutes, { security, guard: securityGuard(hub) })
}
