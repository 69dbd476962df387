import {
  BIGINT,
  BOOLEAN,
  type DuckDBDataChunk,
  DuckDBTimestampValue,
  type DuckDBValue,
  INTEGER,
  TIMESTAMP,
  VARCHAR,
} from '@duckdb/node-api'
import type { DeviceRef } from '@twinward/protocol'
import type { EventRow } from '../../data/event-store.ts'
import { detailsOf, type EventHeader, type SecurityEvent } from '../../ingestion/record.ts'
import { ColumnWriter } from './column-writer.ts'

/** Filling a chunk keeps the event loop for about 2 µs a row; DuckDB itself takes up to 2,048 rows. */
export const CHUNK_ROWS = 1_024

/** In the order of the table's columns. */
const columnTypes = [
  ...[TIMESTAMP, TIMESTAMP],
  ...[VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR],
  BOOLEAN,
  ...[VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR],
  BIGINT,
  INTEGER,
]

/** Rows of events, as the table wants them. */
export function* toChunks(events: readonly SecurityEvent[]): Generator<DuckDBDataChunk> {
  let rows: Rows = { headers: [], details: [], places: [] }
  let sequence = -1
  let place = 0
  for (const event of events) {
    const { header } = event
    if (header.sequence !== sequence) place = 0
    sequence = header.sequence
    const details = detailsOf(event)
    for (const text of details.length === 0 ? EMPTY_PAYLOAD : details) {
      rows.headers.push(header)
      rows.details.push(text)
      rows.places.push(place++)
      if (rows.headers.length < CHUNK_ROWS) continue
      yield toChunk(rows)
      rows = { headers: [], details: [], places: [] }
    }
  }
  if (rows.headers.length > 0) yield toChunk(rows)
}

const EMPTY_PAYLOAD = ['{}']
const DETAILS = 13
const ROW = 16

interface Rows {
  /** Of the event of each row. */
  readonly headers: EventHeader[]
  readonly details: string[]
  readonly places: number[]
}

function toChunk({ headers, details, places }: Rows): DuckDBDataChunk {
  const columns = new ColumnWriter(columnTypes, headers.length)
  const texts = (column: number, of: (header: EventHeader) => string | null) =>
    columns.texts(column, headers.map(of))
  columns.bigints(
    0,
    headers.map(({ receivedMs }) => microseconds(receivedMs)),
  )
  columns.bigints(
    1,
    headers.map(({ timeMs }) => microseconds(timeMs)),
  )
  texts(2, ({ ref }) => ref.deviceId)
  texts(3, ({ ref }) => ref.moduleId ?? '')
  texts(4, ({ eventId }) => eventId)
  texts(5, ({ name }) => name)
  texts(6, ({ category }) => category)
  texts(7, ({ eventType }) => eventType)
  columns.booleans(
    8,
    headers.map(({ isEmpty }) => isEmpty),
  )
  texts(9, ({ agentVersion }) => agentVersion)
  texts(10, ({ agentId }) => agentId)
  texts(11, ({ timestampLocal }) => timestampLocal)
  texts(12, ({ timestampSent }) => timestampSent ?? null)
  columns.distinctTexts(DETAILS, details)
  texts(14, ({ deviations }) => (deviations.length === 0 ? null : deviations.join()))
  columns.bigints(
    15,
    headers.map(({ sequence }) => BigInt(sequence)),
  )
  columns.integers(ROW, places)
  return columns.chunk
}

function microseconds(ms: number): bigint {
  return BigInt(Math.trunc(ms)) * 1_000n
}

export function timestamp(ms: number): DuckDBTimestampValue {
  return new DuckDBTimestampValue(microseconds(ms))
}

/** What `fromColumns` reads, in its order. */
export const SELECTED_COLUMNS = `
  epoch_ms(TimeGenerated), epoch_ms("TimeStamp"), DeviceId, ModuleId, IoTRawEventId, RawEventName,
  RawEventCategory, RawEventType, IsEmpty, AgentVersion, AgentId, TimestampLocal, TimestampSent,
  EventDetails, Deviations, Sequence, "Row"`

export function fromColumns(values: readonly DuckDBValue[]): EventRow {
  const text = (index: number) => String(values[index])
  const number = (index: number) => Number(values[index])
  const ref: DeviceRef = {
    deviceId: text(2),
    ...(text(3) !== '' && { moduleId: text(3) }),
  }
  return {
    ref,
    receivedMs: number(0),
    timeMs: number(1),
    eventId: text(4),
    name: text(5),
    category: text(6),
    eventType: text(7),
    isEmpty: values[8] === true,
    agentVersion: text(9),
    agentId: text(10),
    timestampLocal: text(11),
    ...(values[12] !== null && { timestampSent: text(12) }),
    details: text(DETAILS),
    deviations: values[14] === null ? [] : text(14).split(','),
    sequence: number(15),
    row: number(ROW),
  }
}
