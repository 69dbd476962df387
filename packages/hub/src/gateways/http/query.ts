import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import { authorize } from './authorize.ts'
import { headerOf, maxItemsOf } from './paging.ts'

const QueryBody = Type.Object({ query: Type.Optional(Type.Unknown()) })

/** `POST /devices/query` (05 §2.1). */
export function queryRoutes(app: FastifyInstance, hub: Hub): void {
  app.post<{ Body: { query?: unknown } | undefined }>(
    '/devices/query',
    {
      onRequest: authorize(hub.authenticator, 'ServiceConnect'),
      schema: { tags: ['query'], summary: 'Query twins', body: QueryBody },
    },
    async (request, reply) => {
      const query = request.body?.query
      if (query === undefined || query === null) {
        throw new HubError('ArgumentNull', 'The body needs a member query.')
      }
      if (typeof query !== 'string') {
        throw new HubError('ArgumentInvalid', 'The member query must be a string.')
      }
      const continuation = headerOf(request, 'x-ms-continuation')
      const maxItems = maxItemsOf(request)
      const result = await hub.queries.run(query, {
        ...(maxItems !== undefined && { maxItems }),
        ...(continuation !== undefined && { continuation }),
      })
      reply.header('x-ms-item-type', result.itemType)
      // Its presence alone says that there is more.
      if (result.continuation !== undefined) reply.header('x-ms-continuation', result.continuation)
      reply.header('content-type', 'application/json; charset=utf-8')
      return `[${result.rows.join(',')}]`
    },
  )
}
