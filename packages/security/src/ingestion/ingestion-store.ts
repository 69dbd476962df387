import type { DeviceRef } from '@twinward/protocol'

/** What a device lost to its limits in one hour; `hour` = hours since the epoch. */
export interface HourLoss {
  readonly hour: number
  readonly events: number
  readonly rows: number
}

/** What was taken in from one device; hours and days are those of the time of receipt. */
export interface IntakeState {
  readonly deviceId: string
  /** Days since the epoch, and the bytes of security messages that came on that day. */
  readonly day: number
  readonly dayBytes: number
  /** Hours since the epoch, and the rows that were kept in that hour. */
  readonly hour: number
  readonly hourRows: number
  /** Those of them that the limits let pass, since they tell of losses. */
  readonly hourOperationalRows: number
  /** At most `COUNTED_HOURS`, oldest first; only hours with a loss. */
  readonly losses: readonly HourLoss[]
  /** Since the beginning: events kept, repeated, with an id that another event had, lost to limits. */
  readonly events: number
  readonly repeated: number
  readonly reusedIds: number
  readonly lostEvents: number
  readonly lostRows: number
  /** Binary payloads that no reader exists for, by their number in the union. */
  readonly unknownPayloads: { readonly [number: string]: number }
}

/** Fingerprints of the last events of one sender, a part of them. */
export interface FingerprintChunk {
  readonly ref: DeviceRef
  /** Grows; the smallest is the oldest. */
  readonly number: number
  /** When the last of them came. */
  readonly lastMs: number
  /** 20 each: `FINGERPRINT_WORDS` of 32 bits. */
  readonly bytes: Uint8Array
}

/**
 * What was decided about the events of one message. Decided once: whoever replays the message, for
 * whichever store, follows it. Places count from 0 in the message's events, refused
 * ones included: what is refused may change with schemas and settings before it is replayed.
 */
export interface Verdict {
  readonly sequence: number
  /** Events that were there before: not kept. */
  readonly repeated: readonly number[]
  /** Events whose id another event had before: kept and marked. */
  readonly reused: readonly number[]
  /** Events beyond a limit: not kept. */
  readonly excess: readonly number[]
  /** Reasons to be listed with the refused messages. */
  readonly declarations: readonly string[]
}

export interface IngestionBatch {
  /** The sequence of the last message that this batch decides on. */
  readonly cursor: number
  readonly states: readonly IntakeState[]
  /** Replaced by sender and number. */
  readonly chunks: readonly FingerprintChunk[]
  /** Chunks of a sender with a lower number than this are forgotten. */
  readonly forgotten: readonly { readonly ref: DeviceRef; readonly below: number }[]
  /** Only of messages that something is to be said about. */
  readonly verdicts: readonly Verdict[]
  /** No verdict up to here is needed any more. */
  readonly released: number
}

/**
 * What decides whether an event counts: how much came from a device, and what was there before.
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/ingestion-store.ts`.
 * A promise resolves once the change would survive a crash.
 */
export interface IngestionStore {
  /** The sequence up to which every message is decided on; 0 when new. */
  cursor(): Promise<number>
  /** All of it or nothing. */
  commit(batch: IngestionBatch): Promise<void>
  /** The states of those of the devices that have one. */
  findStates(deviceIds: readonly string[]): Promise<readonly IntakeState[]>
  /** Ordered by number within a sender. */
  findChunks(deviceIds: readonly string[]): Promise<readonly FingerprintChunk[]>
  /** Verdicts on messages after `after`, up to `through`, in order. */
  findVerdicts(after: number, through: number): Promise<readonly Verdict[]>
  /** Forgets fingerprints that came before. @returns how many chunks */
  expireFingerprints(beforeMs: number): Promise<number>
  /** Forgets everything about a device. */
  removeDevice(deviceId: string): Promise<void>
}
