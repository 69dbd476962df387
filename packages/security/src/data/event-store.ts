import type { DeviceRef } from '@twinward/protocol'
import type { SecurityEvent } from '../ingestion/record.ts'

/** One row per payload element; an event without payload has one row with `details` `{}`. */
export interface EventRow {
  readonly ref: DeviceRef
  readonly eventId: string
  readonly name: string
  readonly category: string
  readonly eventType: string
  readonly isEmpty: boolean
  readonly agentVersion: string
  readonly agentId: string
  readonly timeMs: number
  readonly receivedMs: number
  readonly timestampLocal: string
  /** `TimestampUTC` as sent, when `timeMs` was clamped. */
  readonly timestampSent?: string
  /** JSON text of the payload element. */
  readonly details: string
  readonly deviations: readonly string[]
  /** Place of the message in the stream, and of the row in the message: a stable row id. */
  readonly sequence: number
  readonly row: number
}

export interface EventFilter {
  readonly deviceId?: string
  readonly name?: string
  /** `Id` of the wire; give the device too, or every event is looked at. */
  readonly eventId?: string
  /** Event time, inclusive. */
  readonly fromMs?: number
  /** Event time, exclusive. */
  readonly toMs?: number
  /** At most 1,000. A page may be shorter when its rows are long; only its token tells the end. */
  readonly limit: number
  /** From the previous page. */
  readonly continuationToken?: string
}

export interface EventPage {
  readonly items: readonly EventRow[]
  readonly continuationToken: string | null
}

/** Columnar store of raw security events. Adapter: `adapters/duckdb`. */
export interface SecurityEventStore {
  /** The sequence up to which every message's rows are stored durably; 0 when new. */
  cursor(): Promise<number>
  /**
   * Stores the rows of these events and moves the cursor, in one transaction. Events at or below the
   * cursor are skipped, so a replay doubles nothing.
   *
   * @param through  the sequence of the last message that was read, whether or not it had events
   */
  append(events: readonly SecurityEvent[], through: number): Promise<void>
  /**
   * Newest first (event time, then sequence and row). The token names a place, not a page: rows that
   * arrive in between shift nothing.
   *
   * @throws {HubError} `ArgumentInvalid` for a limit out of range or a token that is not ours
   */
  query(filter: EventFilter): Promise<EventPage>
  /** Removes rows that were received before `beforeMs`. @returns how many */
  expire(beforeMs: number): Promise<number>
  close(): Promise<void>
}
