import { type Era, eventKinds, isJsonObject, type JsonObject } from '@twinward/protocol'
import type { EventFilter, EventPage, EventRow } from '../data/event-store.ts'
import type { EventHeader, SecurityEvent } from './record.ts'

/** Rows read at once. */
export const REPLAY_PAGE_ROWS = 1_000

/** Where stored rows are read from: `SecurityService.events`, or the store itself. */
export type QueryEvents = (filter: EventFilter) => Promise<EventPage>

/**
 * Reads stored events back, newest first, each whole: what `normalise` makes of one is what it made
 * when the event arrived. Reads a page at a time, and only while the caller goes on.
 */
export async function* replayEvents(
  query: QueryEvents,
  filter: Omit<EventFilter, 'limit'>,
): AsyncGenerator<SecurityEvent> {
  let rows: EventRow[] = []
  for (let token = filter.continuationToken; ; ) {
    const page = await query({
      ...filter,
      limit: REPLAY_PAGE_ROWS,
      ...(token !== undefined && { continuationToken: token }),
    })
    for (const row of page.items) {
      const newer = rows.at(-1)
      if (newer && !isSameEvent(newer, row)) {
        yield eventOf(rows.reverse())
        rows = []
      }
      rows.push(row)
    }
    if (page.continuationToken === null) break
    token = page.continuationToken
  }
  if (rows.length > 0) yield eventOf(rows.reverse())
}

/** Rows of one event stand side by side: the newer one is the next element. */
function isSameEvent(newer: EventRow, row: EventRow): boolean {
  return (
    newer.sequence === row.sequence &&
    newer.row === row.row + 1 &&
    newer.eventId === row.eventId &&
    newer.name === row.name &&
    newer.timeMs === row.timeMs
  )
}

/**
 * The event that was stored as these rows. Pure.
 *
 * @param rows  all of one event, in the order of its elements; at least one
 */
export function eventOf(rows: readonly EventRow[]): SecurityEvent {
  const [first] = rows
  if (!first) throw new Error('an event has at least one row')
  const details = rows.map((row) => row.details)
  // An event without payload has one row, since it has to stand somewhere.
  const isBare = details.length === 1 && details[0] === '{}'
  const payload = isBare ? [] : details.map(parseElement)
  return { header: headerOf(first, payload), payload }
}

function parseElement(text: string): JsonObject {
  const element: unknown = JSON.parse(text)
  return isJsonObject(element) ? element : {}
}

function headerOf(row: EventRow, payload: readonly JsonObject[]): EventHeader {
  const { details: _, row: __, ...header } = row
  return { ...header, era: eraOf(row, payload) }
}

/**
 * The era of an event, which its row does not tell but its shape does where it matters; what legacy
 * and micro agents send alike counts as legacy.
 */
function eraOf({ name, deviations }: EventRow, payload: readonly JsonObject[]): Era {
  if (name === 'Login') return payload.some(isMicroLogin) ? 'micro' : 'legacy'
  const isOnlyMicro = eventKinds('2.0').has(name) && !eventKinds('1.0').has(name)
  // A 1.0 message may use the name too, but there it means nothing.
  return isOnlyMicro && !deviations.includes('unknown-name') ? 'micro' : 'legacy'
}

function isMicroLogin(element: JsonObject): boolean {
  return Object.hasOwn(element, 'operation') || Object.hasOwn(element, 'user')
}
