import { authorize, type Hub } from '@twinward/hub'
import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { eventMetrics } from './event-metrics.ts'
import { type HealthCheck, healthRoutes } from './health.ts'

/** `/health`, `/metrics`, `/openapi.json`: for operators and their machines. */
export function operationRoutes(app: FastifyInstance, hub: Hub, unhealthy: HealthCheck): void {
  const tags = ['operations']

  healthRoutes(app, unhealthy)

  const metrics = hubMetrics(hub)
  app.get(
    '/metrics',
    {
      onRequest: authorize(hub.authenticator, 'ServiceConnect'),
      schema: { tags, summary: 'Metrics in Prometheus’ text format' },
    },
    async (_, reply) => {
      reply.type(metrics.contentType)
      return metrics.metrics()
    },
  )
}

function hubMetrics(hub: Hub): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'twinward_sessions',
    help: 'Devices and modules that are connected.',
    registers: [registry],
    collect() {
      this.set(hub.sessions.count)
    },
  })
  new Gauge({
    name: 'twinward_identities',
    help: 'Registered identities.',
    labelNames: ['kind'],
    registers: [registry],
    async collect() {
      const { devices, modules } = await hub.identities.count()
      this.set({ kind: 'device' }, devices)
      this.set({ kind: 'module' }, modules)
    },
  })
  new Gauge({
    name: 'twinward_feedback_dropped',
    help: 'Feedback about cloud-to-device messages that went unread since the start.',
    registers: [registry],
    collect() {
      this.set(hub.feedback.droppedCount)
    },
  })
  new Counter({
    name: 'twinward_module_key_reads_total',
    help: 'Keys of security modules that devices have read with their own credentials.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(hub.moduleKeys.count)
    },
  })
  eventMetrics(registry, hub)
  new Counter({
    name: 'twinward_security_module_refusals_total',
    help: 'What security modules wanted to do beyond their own twin and security messages.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(hub.permissions.refusedCount)
    },
  })
  return registry
}
