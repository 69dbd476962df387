import type { DeviceMessage } from '@twinward/protocol'

/** `security`: security messages, for the security service. `telemetry`: everything else. */
export type StreamName = 'telemetry' | 'security'

/** Properties that the hub stamps on a message (10 §1.1). */
export interface StampedMessage extends DeviceMessage {
  readonly enqueuedTimeMs: number
  readonly generationId: string
  /** The JSON text of `iothub-connection-auth-method`. */
  readonly authMethod: string
}

export interface LogRecord {
  /** Grows within a partition of a stream, from 1, never reused; may skip. */
  readonly sequence: number
  readonly message: StampedMessage
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

  /** The greatest sequence ever given out in the partition; 0 when none. */
  head(stream: StreamName, partition: number): Promise<number>

  close(): Promise<void>
}
