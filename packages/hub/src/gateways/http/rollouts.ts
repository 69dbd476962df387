import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import { authorize, authorOf } from './authorize.ts'

const Params = Type.Object({ id: Type.String() })
const Body = Type.Object({}, { additionalProperties: true })

interface RolloutRoute {
  Params: Static<typeof Params>
}

/** What a person may do with a rollout under way. */
const STEPS = [
  ['pause', 'pause', 'Begin no further wave'],
  ['resume', 'resume', 'Go on; also after a halt'],
  ['advance', 'advance', 'Begin the next wave now'],
  ['rollback', 'rollBack', 'Take the configuration away from all that have it'],
] as const

/** `/api/rollouts`: configurations that come in waves. */
export function rolloutRoutes(app: FastifyInstance, hub: Hub): void {
  const { rollouts } = hub
  const read = authorize(hub.authenticator, 'RegistryRead', 'ServiceConnect')
  const write = authorize(hub.authenticator, 'RegistryWrite', 'ServiceConnect')
  const tags = ['configurations']

  app.get(
    '/api/rollouts',
    { onRequest: read, schema: { tags, summary: 'List rollouts' } },
    async () => ({ items: rollouts.list(), continuationToken: null }),
  )

  app.put<RolloutRoute & { Body: unknown }>(
    '/api/rollouts/:id',
    {
      onRequest: write,
      schema: {
        tags,
        summary: 'Begin a rollout of a new configuration',
        params: Params,
        body: Body,
      },
    },
    async (request, reply) => {
      const view = await rollouts.create(request.params.id, request.body, authorOf(request))
      reply.code(201)
      return view
    },
  )

  app.get<RolloutRoute>(
    '/api/rollouts/:id',
    {
      onRequest: read,
      schema: { tags, summary: 'Get a rollout with its progress', params: Params },
    },
    async ({ params }) => rollouts.get(params.id),
  )

  app.delete<RolloutRoute>(
    '/api/rollouts/:id',
    {
      onRequest: write,
      schema: { tags, summary: 'Forget a rollout that is over', params: Params },
    },
    async ({ params }, reply) => {
      await rollouts.forget(params.id)
      reply.code(204)
    },
  )

  for (const [step, method, summary] of STEPS) {
    app.post<RolloutRoute>(
      `/api/rollouts/:id/${step}`,
      { onRequest: write, schema: { tags, summary, params: Params } },
      async (request) => rollouts[method](request.params.id, authorOf(request)?.name ?? ''),
    )
  }
}
