import type { DeviceMessage } from '@twinward/protocol'

/** `security`: security messages, for the security service. `telemetry`: everything else. */
export type StreamName = 'telemetry' | 'security'

/** What an event tells of, as `iothub-message-source` spells it (10 §1.1). */
export type MessageSource =
  | 'Telemetry'
  | 'twinChangeEvents'
  | 'deviceLifecycleEvents'
  | 'deviceConnectionStateEvents'

/** Properties that the hub stamps on a message (10 §1.1). */
export interface StampedMessage extends DeviceMessage {
  /** Default `Telemetry`. */
  readonly source?: MessageSource
  /** The model that the sender announced (`dt-dataschema`). */
  readonly modelId?: string
  readonly enqueuedTimeMs: number
  /** Empty where nobody has proven to be the sender: in events of the hub itself. */
  readonly generationId: string
  /** The JSON text of `iothub-connection-auth-method`; empty in events of the hub itself. */
  readonly authMethod: string
}

export interface LogRecord {
  /** Grows within a partition of a stream, from 1, never reused; may skip. */
  readonly sequence: number
  readonly message: StampedMessage
}

/** What a partition holds at the moment. */
export interface PartitionState {
  /** Of the oldest record that is still there; one more than `lastSequence` when there is none. */
  readonly firstSequence: number
  /** The greatest sequence ever given out; 0 when none. */
  readonly lastSequence: number
  /** ms since the epoch when the newest record that is still there was enqueued; 0 when there is none. */
  readonly lastEnqueuedMs: number
  readonly isEmpty: boolean
}

/** A message and where it goes. */
export interface LogAppend {
  readonly stream: StreamName
  readonly partition: number
  readonly message: StampedMessage
}

/** The messages that devices sent, in order, until somebody trims them. */
export interface EventLog {
  /**
   * Appends in order. Messages of one device always go to the same partition.
   *
   * @returns the sequence of the message, once it would survive a crash
   */
  append(stream: StreamName, partition: number, message: StampedMessage): Promise<number>

  /**
   * Appends all messages or none, in order.
   *
   * @returns their sequences, once they would survive a crash
   */
  appendAll(appends: readonly LogAppend[]): Promise<readonly number[]>

  /** Up to `limit` records with a sequence greater than `after`, oldest first, also bounded in bytes
   * (at least one record is returned when there is one). */
  read(
    stream: StreamName,
    partition: number,
    after: number,
    limit: number,
  ): Promise<readonly LogRecord[]>

  /** Removes all records up to and including `through`. */
  trim(stream: StreamName, partition: number, through: number): Promise<void>

  /** Removes records that were enqueued before `beforeMs`. @returns how many */
  expire(stream: StreamName, beforeMs: number): Promise<number>

  /**
   * Removes the oldest records until those of the stream take at most `maxBytes` (bodies and
   * properties).
   *
   * @returns how many
   */
  shrink(stream: StreamName, maxBytes: number): Promise<number>

  /**
   * Bytes that the records of the stream take, as `shrink` counts them; appends that are under way
   * count. Known at any time, without reading the log.
   */
  size(stream: StreamName): number

  /** What the partition holds; an append that is under way may be seen or not. */
  state(stream: StreamName, partition: number): Promise<PartitionState>

  /**
   * The greatest sequence whose record was enqueued before `timeMs`, 0 when none: reading after it
   * starts at that time. Where the clock stepped back, at the first record at or after that time.
   */
  sequenceBefore(stream: StreamName, partition: number, timeMs: number): Promise<number>

  /** The greatest sequence ever given out in the partition; 0 when none. */
  head(stream: StreamName, partition: number): Promise<number>

  close(): Promise<void>
}
