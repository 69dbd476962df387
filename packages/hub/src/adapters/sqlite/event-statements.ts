import type { DeviceRef } from '@twinward/protocol'
import type { SqlRow, Statement } from '@twinward/sqlite'
import type { LogRecord, StampedMessage } from '../../messages/event-log.ts'
import type { Tail } from './tail.ts'

/** Rows that one transaction deletes, so that appends come in between. */
export const DELETE_CHUNK_ROWS = 2000

/** What is known of a partition without reading it; appends under way count. */
export interface Head {
  readonly stream: string
  readonly partition: number
  /** The greatest sequence given out. */
  sequence: number
  /** Of headers and bodies. */
  bytes: number
  /** The latest time of a message so far. */
  latestMs: number
  /** The appends that the last message belongs to, and the bytes that they add. */
  group?: object
  addedBytes: number
  /** For readers that keep up; not while nobody reads. */
  tail?: Tail | undefined
  /** Settles when everything appended so far is durable; kept while there is a tail. */
  lastAppend?: Promise<unknown>
}

export const HEADS = 'SELECT stream, partition, sequence, bytes, latest_ms FROM event_head'
export const READ = `SELECT sequence, device_id, module_id, enqueued_ms, headers, body FROM event
  WHERE stream = ? AND partition = ? AND sequence > ? ORDER BY sequence LIMIT ?`
export const FIRST = `SELECT sequence FROM event
  WHERE stream = ? AND partition = ? ORDER BY sequence LIMIT 1`
export const LAST = `SELECT enqueued_ms FROM event
  WHERE stream = ? AND partition = ? ORDER BY sequence DESC LIMIT 1`
export const SIZES = `SELECT sequence, enqueued_ms, octet_length(headers) + octet_length(body)
  FROM event WHERE stream = ? AND partition = ? ORDER BY sequence LIMIT ${DELETE_CHUNK_ROWS}`

/**
 * The first row at or after a time among those in order, and among the late ones. Ids grow with the
 * sequences of a partition, and every index ends with them.
 */
export const FIRST_SINCE = `SELECT sequence FROM event
  WHERE stream = ? AND partition = ? AND late_ms IS NULL AND enqueued_ms >= ?
  ORDER BY enqueued_ms, id LIMIT 1`
export const FIRST_LATE_SINCE = `SELECT sequence FROM event
  WHERE stream = ? AND partition = ? AND late_ms IS NOT NULL AND late_ms >= ? AND enqueued_ms >= ?
  ORDER BY late_ms, id LIMIT 1`
export const LAST_BEFORE = `SELECT sequence FROM event
  WHERE stream = ? AND partition = ? AND sequence < ? ORDER BY sequence DESC LIMIT 1`

/** Which rows go; the parameters are stream, partition and a bound. */
export type Doomed = 'through' | 'expired' | 'expired-late'

const DOOMED: Readonly<Record<Doomed, string>> = {
  through: 'sequence <= ? ORDER BY sequence',
  expired: 'late_ms IS NULL AND enqueued_ms < ? ORDER BY enqueued_ms',
  'expired-late': 'late_ms IS NOT NULL AND enqueued_ms < ?',
}

/**
 * Deletes the first rows of a kind, and what they count in their head. The first result is the row
 * `[bytes]`, the last one says how many rows went.
 */
export function deletion(
  { stream, partition }: Head,
  doomed: Doomed,
  bound: number,
): readonly Statement[] {
  const params = [stream, partition, bound]
  const { bytes, subtract, remove } = DELETIONS[doomed]
  return [
    { sql: bytes, params },
    { sql: subtract, params: [...params, stream, partition] },
    { sql: remove, params },
  ]
}

const DELETIONS = {
  through: makeDeletion('through'),
  expired: makeDeletion('expired'),
  'expired-late': makeDeletion('expired-late'),
}

function makeDeletion(doomed: Doomed) {
  const rows = `FROM event WHERE stream = ? AND partition = ? AND ${DOOMED[doomed]}
    LIMIT ${DELETE_CHUNK_ROWS}`
  const sizes = `SELECT octet_length(headers) + octet_length(body) AS size ${rows}`
  const bytes = `SELECT coalesce(sum(size), 0) FROM (${sizes})`
  return {
    bytes,
    subtract: `UPDATE event_head SET bytes = bytes - (${bytes})
      WHERE stream = ? AND partition = ?`,
    remove: `DELETE FROM event WHERE id IN (SELECT id ${rows})`,
  }
}

export function toHead([stream, partition, sequence, bytes, latestMs]: SqlRow): Head {
  return {
    stream: String(stream),
    partition: Number(partition),
    sequence: Number(sequence),
    bytes: Number(bytes),
    latestMs: Number(latestMs),
    addedBytes: 0,
  }
}

export function toRecord(row: SqlRow): LogRecord {
  const [sequence, deviceId, moduleId, enqueuedMs, headers, body] = row
  const ref: DeviceRef = {
    deviceId: String(deviceId),
    ...(moduleId !== '' && { moduleId: String(moduleId) }),
  }
  const message = {
    ref,
    ...JSON.parse(String(headers)),
    body: body as Uint8Array,
    enqueuedTimeMs: Number(enqueuedMs),
  } as StampedMessage
  return { sequence: Number(sequence), message }
}
