import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import { audited } from './audited.ts'
import { authorize } from './authorize.ts'

const Body = Type.Object({ rules: Type.Unknown() }, { additionalProperties: false })

/** `/api/ip-filter`: which addresses may connect. */
export function ipFilterRoutes(app: FastifyInstance, hub: Hub): void {
  const { ipFilter, authenticator } = hub
  const tags = ['ip filter']
  const view = () => ({ rules: ipFilter.rules, refusedConnections: ipFilter.refusedCount })

  app.get(
    '/api/ip-filter',
    {
      onRequest: authorize(authenticator, 'RegistryRead'),
      schema: { tags, summary: 'Rules in their order; the first that holds an address decides' },
    },
    async () => view(),
  )

  app.put<{ Body: { rules: unknown } }>(
    '/api/ip-filter',
    {
      onRequest: authorize(authenticator, 'RegistryWrite'),
      schema: {
        tags,
        summary: 'Replace all rules; new connections are judged by them',
        body: Body,
      },
    },
    async (request) => {
      const entry = { kind: 'security.change', subject: 'PUT /api/ip-filter' } as const
      await audited(hub, request, entry, () => ipFilter.set(request.body.rules))
      return view()
    },
  )
}
