import { HubError } from '@twinward/protocol'
import type { FastifyRequest } from 'fastify'

/** Page sizes that were once documented are let pass; pages stay as small as the hub makes them. */
const MAX_ITEM_COUNT = 1000

/** The page size that a client asks for. @throws {HubError} `ArgumentInvalid` */
export function maxItemsOf(request: FastifyRequest): number | undefined {
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
export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  const text = Array.isArray(value) ? value.join(',') : value
  return text === undefined || text.trim() === '' ? undefined : text.trim()
}
