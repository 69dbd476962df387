import type {} from '@fastify/swagger'
import { HubError } from '@twinward/protocol'
import { type TSchema, Type } from 'typebox'

export const DEFAULT_LIMIT = 100
export const MAX_LIMIT = 1000

/** Query parameters that every list takes. */
export const PAGE_PARAMETERS = {
  limit: Type.Optional(
    Type.String({ description: `Items of a page: 1 to ${MAX_LIMIT}, default ${DEFAULT_LIMIT}` }),
  ),
  continuationToken: Type.Optional(Type.String({ description: 'From the previous page' })),
}

export function optionalText(description: string): TSchema {
  return Type.Optional(Type.String({ description }))
}

export interface PageQuery {
  readonly limit?: string
  readonly continuationToken?: string
}

export function readPage({ limit, continuationToken }: PageQuery): {
  limit: number
  continuationToken?: string
} {
  const items = limit === undefined ? DEFAULT_LIMIT : Number(limit)
  if (!Number.isInteger(items) || items < 1 || items > MAX_LIMIT) {
    throw new HubError('ArgumentInvalid', `limit must be a whole number from 1 to ${MAX_LIMIT}.`)
  }
  return { limit: items, ...(continuationToken !== undefined && { continuationToken }) }
}

/** A time of the query as ms since the epoch. Without a zone it is UTC. */
export function readTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const hasZone = /(Z|[+-]\d{2}:?\d{2})$/i.test(text)
  const ms = Date.parse(hasZone || !text.includes('T') ? text : `${text}Z`)
  if (Number.isNaN(ms)) {
    throw new HubError('ArgumentInvalid', `${name} must be a time such as 2026-01-31T12:00:00Z.`)
  }
  return ms
}

/** One of the words, whatever its case. */
export function readWord<T extends string>(
  name: string,
  text: string | undefined,
  words: readonly T[],
): T | undefined {
  if (text === undefined) return undefined
  const word = words.find((candidate) => candidate.toLowerCase() === text.toLowerCase())
  if (word === undefined) {
    throw new HubError('ArgumentInvalid', `${name} must be one of ${words.join(', ')}.`)
  }
  return word
}

/** Only the members that have a value. */
export function defined<T extends object>(
  members: {
    [K in keyof T]: T[K] | undefined
  },
): Partial<T> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Partial<T>
}

/** ISO 8601 in UTC, or `null` for "never". */
export function formatTime(ms: number): string | null {
  return ms === 0 ? null : new Date(ms).toISOString()
}
