import type { FastifyInstance } from 'fastify'

/** Whether the server does its work: `undefined` = yes, otherwise the reason why not. */
export type HealthCheck = () => string | undefined

/** `/health` and `/openapi.json`, for everybody. */
export function healthRoutes(app: FastifyInstance, unhealthy: HealthCheck): void {
  app.get(
    '/health',
    { schema: { tags: ['operations'], summary: 'Is the server ready', security: [] } },
    (_, reply) => {
      const reason = unhealthy()
      if (reason === undefined) return reply.send({ status: 'ok' })
      return reply.code(503).send({ status: 'unavailable', reason })
    },
  )

  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
}
