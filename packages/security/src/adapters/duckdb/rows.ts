import {
  BIGINT,
  BOOLEAN,
  DuckDBDataChunk,
  DuckDBTimestampValue,
  type DuckDBValue,
  INTEGER,
  TIMESTAMP,
  VARCHAR,
} from '@duckdb/node-api'
import type { DeviceRef } from '@twinward/protocol'
import type { EventRow } from '../../data/event-store.ts'
import type { EventHeader, SecurityEvent } from '../../ingestion/record.ts'

/** Filling a chunk keeps the event loop for about 5 µs a row; DuckDB itself takes up to 2,048 rows. */
export const CHUNK_ROWS = 512

/** In the order of the table's columns. */
const columnTypes = [
  ...[TIMESTAMP, TIMESTAMP],
  ...[VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR],
  BOOLEAN,
  ...[VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR],
  BIGINT,
  INTEGER,
]

/** Rows of events, column by column, as the table wants them. */
export function* toChunks(events: readonly SecurityEvent[]): Generator<DuckDBDataChunk> {
  let columns = emptyColumns()
  let filled = 0
  let sequence = -1
  let row = 0
  for (const { header, payload } of events) {
    if (header.sequence !== sequence) row = 0
    sequence = header.sequence
    const values = headerValues(header)
    for (const element of payload.length === 0 ? EMPTY_PAYLOAD : payload) {
      addRow(columns, values, JSON.stringify(element), row++)
      if (++filled < CHUNK_ROWS) continue
      yield toChunk(columns)
      columns = emptyColumns()
      filled = 0
    }
  }
  if (filled > 0) yield toChunk(columns)
}

const EMPTY_PAYLOAD = [{}]
const DETAILS = 13
const ROW = 16

function emptyColumns(): DuckDBValue[][] {
  return columnTypes.map(() => [])
}

function toChunk(columns: readonly DuckDBValue[][]): DuckDBDataChunk {
  const chunk = DuckDBDataChunk.create(columnTypes)
  chunk.setColumns(columns)
  return chunk
}

/** All values of a row but the two that differ between the elements of one event. */
function headerValues(header: EventHeader): readonly DuckDBValue[] {
  return [
    timestamp(header.receivedMs),
    timestamp(header.timeMs),
    header.ref.deviceId,
    header.ref.moduleId ?? '',
    header.eventId,
    header.name,
    header.category,
    header.eventType,
    header.isEmpty,
    header.agentVersion,
    header.agentId,
    header.timestampLocal,
    header.timestampSent ?? null,
    null,
    header.deviations.length === 0 ? null : header.deviations.join(),
    BigInt(header.sequence),
    null,
  ]
}

function addRow(
  columns: readonly DuckDBValue[][],
  values: readonly DuckDBValue[],
  details: string,
  row: number,
): void {
  for (let index = 0; index < columns.length; index++) {
    const value = index === DETAILS ? details : index === ROW ? row : values[index]
    columns[index]?.push(value ?? null)
  }
}

export function timestamp(ms: number): DuckDBTimestampValue {
  return new DuckDBTimestampValue(BigInt(Math.trunc(ms)) * 1_000n)
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
