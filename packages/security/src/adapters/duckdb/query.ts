import type { DuckDBValue } from '@duckdb/node-api'
import { HubError } from '@twinward/protocol'
import type { EventFilter, EventRow } from '../../data/event-store.ts'
import { SELECTED_COLUMNS, timestamp } from './rows.ts'

export const MAX_PAGE_ROWS = 1_000
/** Bytes of `EventDetails` after which a page ends early; devices choose how long those are. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024
/** A token is about 60 characters; anything much longer is not looked at. */
const MAX_TOKEN_CHARACTERS = 256

/** A statement and its values, which are bound and never become part of the text. */
export interface EventQuery {
  readonly sql: string
  readonly values: DuckDBValue[]
}

/**
 * The statement for one page. Its rows may be one more than the limit; their last column counts the
 * rows, up to that number, which there would be without the limit in bytes.
 *
 * @throws {HubError} `ArgumentInvalid` for a limit out of range or a token that we did not make
 */
export function pageQuery(filter: EventFilter): EventQuery {
  const { limit } = filter
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE_ROWS) {
    throw new HubError('ArgumentInvalid', `The limit must be between 1 and ${MAX_PAGE_ROWS}.`)
  }
  const values: DuckDBValue[] = []
  const bind = (value: DuckDBValue) => `$${values.push(value)}`
  const conditions = conditionsOf(filter, bind)
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  const page = `SELECT * FROM SecurityIoTRawEvent ${where}
    ORDER BY ${NEWEST_FIRST} LIMIT ${bind(BigInt(limit + 1))}`
  // A row belongs to the page while what stands before it has not filled the page.
  const sql = `SELECT ${SELECTED_COLUMNS}, count(*) OVER () FROM (${page})
    QUALIFY sum(strlen(EventDetails)) OVER (ORDER BY ${NEWEST_FIRST} ROWS UNBOUNDED PRECEDING)
      - strlen(EventDetails) <= ${bind(BigInt(MAX_PAGE_BYTES))}
    ORDER BY ${NEWEST_FIRST}`
  return { sql, values }
}

const NEWEST_FIRST = '"TimeStamp" DESC, Sequence DESC, "Row" DESC'

function conditionsOf(filter: EventFilter, bind: (value: DuckDBValue) => string): string[] {
  const { deviceId, eventId, name, fromMs, toMs, continuationToken } = filter
  const conditions: string[] = []
  if (deviceId !== undefined) conditions.push(`DeviceId = ${bind(deviceId)}`)
  if (eventId !== undefined) conditions.push(`IoTRawEventId = ${bind(eventId)}`)
  if (name !== undefined) conditions.push(`RawEventName = ${bind(name)}`)
  if (fromMs !== undefined) conditions.push(`"TimeStamp" >= ${bind(timestamp(fromMs))}`)
  if (toMs !== undefined) conditions.push(`"TimeStamp" < ${bind(timestamp(toMs))}`)
  if (continuationToken !== undefined) {
    const { timeMs, sequence, row } = parseToken(continuationToken)
    const time = bind(timestamp(timeMs))
    // Redundant, but the comparison that skips row groups.
    conditions.push(`"TimeStamp" <= ${time}`)
    const place = `(${time}, ${bind(BigInt(sequence))}, ${bind(row)})`
    conditions.push(`("TimeStamp", Sequence, "Row") < ${place}`)
  }
  return conditions
}

/** Names the last row of a page, so that rows which arrive in between shift nothing. */
export function formatToken({ timeMs, sequence, row }: EventRow): string {
  return Buffer.from(JSON.stringify([timeMs, sequence, row])).toString('base64url')
}

function parseToken(token: string): Pick<EventRow, 'timeMs' | 'sequence' | 'row'> {
  try {
    if (token.length <= MAX_TOKEN_CHARACTERS) {
      const place: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
      if (Array.isArray(place) && place.length === 3 && place.every(isPlace)) {
        const [timeMs, sequence, row] = place as [number, number, number]
        if (Math.abs(timeMs) <= MAX_TIME_MS && row < 2 ** 31) return { timeMs, sequence, row }
      }
    }
  } catch {
    // Not JSON: refused below, like everything else that we did not make.
  }
  throw new HubError('ArgumentInvalid', 'The continuation token is not one of this query.')
}

/** The range of a JavaScript date, which DuckDB's timestamps cover too. */
const MAX_TIME_MS = 8.64e15

function isPlace(value: unknown): boolean {
  return Number.isSafeInteger(value)
}
