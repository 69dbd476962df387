import type { CloudMessage, DeviceRef, FeedbackRequest } from '@twinward/protocol'

/** Whose queue: an identity of one generation. One that is created again has another queue. */
export interface QueueOwner {
  readonly ref: DeviceRef
  readonly generationId: string
}

/** What the rules need to know of a message that waits; without properties and body. */
export interface MessageHead {
  readonly owner: QueueOwner
  /** Grows with every message of the hub, never reused. */
  readonly sequence: number
  readonly messageId: string
  readonly ack: FeedbackRequest
  readonly enqueuedTimeMs: number
  readonly expiresAtMs: number
  /** Explicit abandons so far. */
  readonly deliveryCount: number
}

export interface QueuedMessage extends MessageHead, CloudMessage {}

/** What became of a message (04 §9). */
export type FeedbackStatus = 'Success' | 'Expired' | 'DeliveryCountExceeded' | 'Rejected' | 'Purged'

/** Tells the sender of a message what became of it. */
export interface FeedbackRecord {
  readonly owner: QueueOwner
  readonly originalMessageId: string
  readonly status: FeedbackStatus
  /** When it happened. */
  readonly timeMs: number
}

export interface StoredFeedback extends FeedbackRecord {
  /** Grows with every record, never reused. */
  readonly sequence: number
}

/** A message that leaves its queue, with the record that its sender asked for. */
export interface Removal {
  readonly sequence: number
  readonly feedback?: FeedbackRecord
}

export interface QueueCount {
  readonly owner: QueueOwner
  readonly count: number
}

/**
 * Cloud-to-device messages that wait, and feedback records. Locks are not kept here.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/message-queue.ts`.
 * A promise of a write resolves once it would survive a crash; a read sees all writes called before.
 */
export interface MessageQueue {
  /** Adds a message at the end of its owner's queue. @returns its sequence */
  append(message: Omit<QueuedMessage, 'sequence'>): Promise<number>

  /** The oldest messages of a queue that expire after `nowMs` and are not in `skip`, up to `limit`. */
  read(
    owner: QueueOwner,
    options: { readonly limit: number; readonly skip: readonly number[]; readonly nowMs: number },
  ): Promise<readonly QueuedMessage[]>

  /** All messages of a device or module, whatever their generation, oldest first, up to `limit`. */
  heads(ref: DeviceRef, limit: number): Promise<readonly MessageHead[]>

  /** Messages that expire at `nowMs` or before, in the order of expiry and sequence, after `after`. */
  expired(nowMs: number, limit: number, after?: MessageHead): Promise<readonly MessageHead[]>

  /**
   * Removes messages and stores the feedback about each, all or nothing. One that is no longer there
   * is left out, and so is its feedback.
   *
   * @returns the sequences that were removed
   */
  remove(removals: readonly Removal[]): Promise<readonly number[]>

  /** @returns whether the message was there */
  setDeliveryCount(sequence: number, deliveryCount: number): Promise<boolean>

  /** Queues that are not empty, in a stable order, after `after`. */
  listQueues(limit: number, after?: QueueOwner): Promise<readonly QueueCount[]>

  /** The oldest records that are not in `skip`, up to `limit`. */
  readFeedback(limit: number, skip: readonly number[]): Promise<readonly StoredFeedback[]>

  removeFeedback(sequences: readonly number[]): Promise<void>

  /** Removes records from before `beforeMs`, and the oldest beyond `keep`. @returns how many */
  trimFeedback(beforeMs: number, keep: number): Promise<number>

  /** Waits for what is under way, then releases the store. */
  close(): Promise<void>
}
