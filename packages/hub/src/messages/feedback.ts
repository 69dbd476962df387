import { randomUUID } from 'node:crypto'
import { HubError } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { MessageQueue, StoredFeedback } from './message-queue.ts'
import { Turns } from './turns.ts'

/** Records of one batch (04 §9). */
export const MAX_FEEDBACK_BATCH = 64
/** After a batch, for how long records are gathered for the next unless it is full before (04 §9). */
export const FEEDBACK_GATHER_MS = 15_000
/** How long a batch stays invisible to others (04 §9). */
export const FEEDBACK_LOCK_MS = 60_000
/** How long a record waits for a reader (04 §9). */
export const FEEDBACK_TTL_MS = 3600_000
/** Records that wait; beyond that the oldest go. */
export const MAX_FEEDBACK_RECORDS = 100_000
/** Batches that readers hold at a time. */
const MAX_HELD_BATCHES = 100
const TRIM_INTERVAL_MS = 10_000

/** Records that a reader holds until it settles them or the lock ends. */
export interface FeedbackBatch {
  readonly lockToken: string
  /** Not empty. */
  readonly records: readonly StoredFeedback[]
}

export interface FeedbackPorts {
  readonly messageQueue: MessageQueue
  readonly bus: EventBus
  readonly clock: Clock
}

interface Held {
  readonly sequences: readonly number[]
  readonly untilMs: number
  isSettling: boolean
}

/**
 * What became of cloud-to-device messages, for their senders: one queue for the whole hub (04 §9).
 * Locks are only in memory: a restart releases them.
 */
export class Feedback {
  readonly #queue: MessageQueue
  readonly #bus: EventBus
  readonly #clock: Clock
  readonly #log: Log
  readonly #held = new Map<string, Held>()
  readonly #turns = new Turns()
  #droppedCount = 0

  constructor({ messageQueue, bus, clock }: FeedbackPorts, log: Log) {
    this.#queue = messageQueue
    this.#bus = bus
    this.#clock = clock
    this.#log = log
  }

  /**
   * Locks the oldest records that nobody holds, up to `MAX_FEEDBACK_BATCH`.
   *
   * @returns `undefined` when there is none
   * @throws {HubError} `ThrottlingException` when readers hold too many batches
   */
  receive(): Promise<FeedbackBatch | undefined> {
    return this.#turns.run('', async () => {
      const records = await this.#readFree()
      return records.length === 0 ? undefined : this.#hold(records)
    })
  }

  /**
   * The same for a reader who is told when there is feedback, and had a batch at `lastMs`: one that is
   * not full has to wait until `FEEDBACK_GATHER_MS` after that.
   *
   * @returns `undefined` when there is none, or when it is still gathered
   * @throws {HubError} as `receive`
   */
  cut(lastMs: number): Promise<FeedbackBatch | undefined> {
    return this.#turns.run('', async () => {
      const records = await this.#readFree()
      const isGathering = this.#clock.now() < lastMs + FEEDBACK_GATHER_MS
      if (records.length === 0) return undefined
      return isGathering && records.length < MAX_FEEDBACK_BATCH ? undefined : this.#hold(records)
    })
  }

  /** Removes the records of a batch. @throws {HubError} `DeviceMessageLockLost` */
  async complete(lockToken: string): Promise<void> {
    const held = this.#find(lockToken)
    held.isSettling = true
    try {
      await this.#queue.removeFeedback(held.sequences)
      this.#held.delete(lockToken)
    } finally {
      held.isSettling = false
    }
  }

  /** Back to the queue. @throws {HubError} `DeviceMessageLockLost` */
  abandon(lockToken: string): void {
    this.#find(lockToken)
    this.#held.delete(lockToken)
    this.#bus.publish({ kind: 'feedback-waiting' })
  }

  /** Drops what nobody has read in time, and says so, until the returned function is called. */
  trimRegularly(): () => void {
    return this.#clock.every(TRIM_INTERVAL_MS, () => {
      this.trim().catch((error) => this.#log.error({ err: error }, 'feedback was not trimmed'))
    })
  }

  /** Records that went unread since the hub started. */
  get droppedCount(): number {
    return this.#droppedCount
  }

  /** Removes records that are too old or too many. @returns how many */
  async trim(): Promise<number> {
    const beforeMs = this.#clock.now() - FEEDBACK_TTL_MS
    const dropped = await this.#queue.trimFeedback(beforeMs, MAX_FEEDBACK_RECORDS)
    this.#droppedCount += dropped
    if (dropped > 0) this.#log.warn({ dropped }, 'feedback that nobody has read was dropped')
    return dropped
  }

  /** The oldest records that nobody holds. */
  #readFree(): Promise<readonly StoredFeedback[]> {
    this.#freeEnded()
    if (this.#held.size >= MAX_HELD_BATCHES) {
      throw new HubError('ThrottlingException', 'Readers hold too many batches of feedback.')
    }
    const skip = [...this.#held.values()].flatMap(({ sequences }) => sequences)
    return this.#queue.readFeedback(MAX_FEEDBACK_BATCH, skip)
  }

  #hold(records: readonly StoredFeedback[]): FeedbackBatch {
    const lockToken = randomUUID()
    this.#held.set(lockToken, {
      sequences: records.map(({ sequence }) => sequence),
      untilMs: this.#clock.now() + FEEDBACK_LOCK_MS,
      isSettling: false,
    })
    return { lockToken, records }
  }

  #find(lockToken: string): Held {
    this.#freeEnded()
    const held = this.#held.get(lockToken)
    if (held && !held.isSettling) return held
    throw new HubError('DeviceMessageLockLost', 'The lock of the batch is unknown or has ended.')
  }

  #freeEnded(): void {
    const nowMs = this.#clock.now()
    for (const [token, { untilMs, isSettling }] of this.#held) {
      if (untilMs <= nowMs && !isSettling) this.#held.delete(token)
    }
  }
}
