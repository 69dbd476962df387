import type { SqlRow, SqlValue, Statement } from '@twinward/sqlite'
import { MAX_PAGE_CHARACTERS } from '../../data/finding-limits.ts'
import type { AlertFilter, RecommendationFilter } from '../../data/finding-store.ts'
import { checkLimit, parsePageToken } from '../../data/page-token.ts'

/** Before everything a list can hold, and after it. */
const FIRST = Number.MIN_SAFE_INTEGER
const LAST = Number.MAX_SAFE_INTEGER

/** An equality that was asked for, and the index that begins with its column. */
interface Match {
  readonly column: string
  readonly value: string | undefined
  readonly index: string
}

/**
 * One row more than the page, of one column: the document.
 *
 * @throws {HubError} `ArgumentInvalid` for a limit out of range or a token that is not of this list
 */
export function alertsQuery(filter: AlertFilter): Statement {
  checkLimit(filter.limit)
  const matches = [
    { column: 'device_id', value: filter.deviceId, index: 'alert_by_device' },
    { column: 'alert_type', value: filter.alertType, index: 'alert_by_type' },
    { column: 'status', value: filter.status, index: 'alert_by_status' },
    { column: 'severity', value: filter.severity, index: 'alert_by_severity' },
  ]
  const { index, conditions, params } = equalities(matches, 'alert_by_time')
  const { order, id } = placeOf('alerts', filter.continuationToken)
  // What began then ended later, which is what the index is ordered by.
  const endedFrom = filter.fromMs ?? filter.startedFromMs
  return {
    // The index is named, or the planner would guess without statistics.
    sql: `SELECT document FROM alert INDEXED BY ${index}
      WHERE ${conditions} newest_first <= ? AND start_ms < ? AND start_ms >= ?
        AND (newest_first, id) > (?, ?)
      ORDER BY newest_first, id LIMIT ?`,
    params: [
      ...[...params, endedFrom === undefined ? LAST : -endedFrom, filter.toMs ?? LAST],
      filter.startedFromMs ?? FIRST,
      ...[order, id, filter.limit + 1],
    ],
  }
}

/** As `alertsQuery`. */
export function recommendationsQuery(filter: RecommendationFilter): Statement {
  checkLimit(filter.limit)
  const { deviceId, recommendationType, state, severity } = filter
  const matches = [
    { column: 'device_id', value: deviceId, index: 'recommendation_by_device' },
    { column: 'recommendation_type', value: recommendationType, index: 'recommendation_by_type' },
    { column: 'state', value: state, index: 'recommendation_by_state' },
    { column: 'severity', value: severity, index: 'recommendation_by_severity' },
  ]
  const { index, conditions, params } = equalities(matches, 'recommendation_by_time')
  const { order, id } = placeOf('recommendations', filter.continuationToken)
  return {
    sql: `SELECT document FROM recommendation INDEXED BY ${index}
      WHERE ${conditions} (newest_first, id) > (?, ?) ORDER BY newest_first, id LIMIT ?`,
    params: [...params, order, id, filter.limit + 1],
  }
}

/** One row more than the page: the document and its number. @throws {HubError} as `alertsQuery` */
export function rejectionsQuery(filter: {
  readonly deviceId?: string
  readonly limit: number
  readonly continuationToken?: string
}): Statement {
  const { deviceId, limit, continuationToken } = filter
  checkLimit(limit)
  const before =
    continuationToken === undefined ? LAST : parsePageToken('rejections', continuationToken).order
  const ofDevice = deviceId === undefined ? '' : 'device_id = ? AND'
  return {
    sql: `SELECT document, id FROM rejection WHERE ${ofDevice} id < ? ORDER BY id DESC LIMIT ?`,
    params: [...(deviceId === undefined ? [] : [deviceId]), before, limit + 1],
  }
}

/** The page's own rows among those that were read with a limit of one more and of characters. */
export function cutPage(rows: readonly SqlRow[], limit: number) {
  let characters = 0
  for (const row of rows) for (const value of row) characters += sizeOf(value)
  const isFull = rows.length > limit || characters >= MAX_PAGE_CHARACTERS
  // The last row shows that there is more, unless it is so long that it came alone.
  const count = isFull ? Math.max(1, rows.length - 1) : rows.length
  return { rows: rows.slice(0, count), hasMore: isFull }
}

/** As the engine counts what it read. */
function sizeOf(value: SqlValue): number {
  return typeof value === 'string' ? value.length : 8
}

/** Of several indexes the first: of the usual filters it leaves the fewest rows. */
function equalities(matches: readonly Match[], otherwise: string) {
  const asked = matches.filter(({ value }) => value !== undefined)
  return {
    index: asked[0]?.index ?? otherwise,
    conditions: asked.map(({ column }) => `${column} = ? AND`).join(' '),
    params: asked.map(({ value = '' }) => value),
  }
}

function placeOf(list: 'alerts' | 'recommendations', token: string | undefined) {
  if (token === undefined) return { order: FIRST, id: '' }
  const { order, id } = parsePageToken(list, token)
  return { order: -order, id }
}
