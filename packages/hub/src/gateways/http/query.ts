import { HubError } from '@twinward/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import { authorize } from './authorize.ts'

/** Page sizes that were once documented are let pass; pages stay as small as the hub makes them. */
const MAX_ITEM_COUNT = 1000

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

/** @throws {HubError} `ArgumentInvalid` */
function maxItemsOf(request: FastifyRequest): number | undefined {
  const header = headerOf(request, 'x-ms-max-item-count')
  if (header === undefined) return undefined
  const count = /^\d{1,4}$/.test(header) ? Number(header) : 0
  if (count < 1 || count > MAX_ITEM_COUNT) {
    throw new HubError(
      'ArgumentInvalid',
      `x-ms-max-item-count must be a whole number from 1 to ${MAX_ITEM_COUNT}.`,
    )
  }
  return count
}

/** SDKs send headers that they have no value for empty. */
function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  const text = Array.isArray(value) ? value.join(',') : value
  return text === undefined || text.trim() === '' ? undefined : text.trim()
}
