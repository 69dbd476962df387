import { HubError } from '@twinward/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isRegistrationId } from '../../../provisioning/read-enrollment.ts'

/** Items of a page, whatever more is asked for. */
const MAX_PAGE = 100
const MAX_ITEM_COUNT = 1000
const ALL = /^\s*(?:\*|select\s+\*(?:\s+from\s+(\w+))?)\s*;?\s*$/i

/** What a list is asked for, and how its page is told. */
export interface PageRequest {
  readonly limit: number
  readonly after: string | undefined
}

/**
 * Everything, page by page: `*`, `SELECT *` or `SELECT * FROM {source}`.
 *
 * @throws {HubError} `ArgumentInvalid`; conditions are not served
 */
export function readPage(
  request: FastifyRequest<{ Body: { query: string } }>,
  sources: readonly string[],
): PageRequest {
  const match = ALL.exec(request.body.query)
  const source = match?.[1]?.toLowerCase()
  if (!match || (source !== undefined && !sources.includes(source))) {
    throw new HubError('ArgumentInvalid', `The query must be SELECT * FROM ${sources[0]}, or *.`)
  }
  return { limit: readLimit(request), after: readAfter(request) }
}

/** @param items  at most one more than `limit`, which says that there is another page */
export function sendPage<T>(
  reply: FastifyReply,
  items: readonly T[],
  { limit, idOf, itemType }: { limit: number; idOf: (item: T) => string; itemType: string },
): readonly T[] {
  const page = items.slice(0, limit)
  const last = page.at(-1)
  reply.header('x-ms-item-type', itemType)
  if (items.length > limit && last !== undefined) {
    reply.header('x-ms-continuation', Buffer.from(idOf(last)).toString('base64url'))
  }
  return page
}

function readLimit({ headers }: FastifyRequest): number {
  const header = headers['x-ms-max-item-count']
  if (header === undefined || header === '') return MAX_PAGE
  const count = typeof header === 'string' && /^\d{1,4}$/.test(header) ? Number(header) : 0
  if (count < 1 || count > MAX_ITEM_COUNT) {
    throw new HubError(
      'ArgumentInvalid',
      `x-ms-max-item-count must be a whole number from 1 to ${MAX_ITEM_COUNT}.`,
    )
  }
  return Math.min(count, MAX_PAGE)
}

function readAfter({ headers }: FastifyRequest): string | undefined {
  const header = headers['x-ms-continuation']
  if (header === undefined || header === '') return undefined
  const after = Buffer.from(String(header), 'base64url').toString()
  if (isRegistrationId(after)) return after
  throw new HubError('ArgumentInvalid', 'x-ms-continuation is not one that was given.')
}
