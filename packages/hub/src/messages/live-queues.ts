import { type DeviceRef, MAX_QUEUE_DEPTH } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import { feedbackOn } from './cloud-message-rules.ts'
import { Locks } from './locks.ts'
import type {
  FeedbackStatus,
  MessageHead,
  MessageQueue,
  QueuedMessage,
  QueueOwner,
} from './message-queue.ts'
import { QueueCounts, queueKey } from './queue-counts.ts'

/** Messages that expire in one transaction. */
const EXPIRY_BATCH = 500
/** Queues that are read at a time when the hub starts. */
const LIST_BATCH = 1000
/** More than one queue can hold: what is left of earlier generations is read with it. */
const MAX_HEADS = 4 * MAX_QUEUE_DEPTH

export interface HeldMessage {
  readonly message: QueuedMessage
  readonly token: string
}

/** The queues as the hub works on them: the store, and beside it who holds what and how much waits. */
export class LiveQueues {
  readonly locks = new Locks()
  readonly #store: MessageQueue
  readonly #clock: Clock
  readonly #whenFeedback: () => void
  readonly #counts = new QueueCounts()

  /** @param whenFeedback  called when there is new feedback, which is durable then */
  constructor(store: MessageQueue, clock: Clock, whenFeedback: () => void) {
    this.#store = store
    this.#clock = clock
    this.#whenFeedback = whenFeedback
  }

  /** Counts what the store holds. @returns whose queues are not empty */
  async load(): Promise<readonly QueueOwner[]> {
    const owners: QueueOwner[] = []
    for (let after: QueueOwner | undefined; ; ) {
      const queues = await this.#store.listQueues(LIST_BATCH, after)
      for (const { owner, count } of queues) {
        this.#counts.add(owner, count)
        owners.push(owner)
      }
      if (queues.length < LIST_BATCH) return owners
      after = queues.at(-1)?.owner
    }
  }

  /** Messages of a queue, waiting or held. */
  count(ref: DeviceRef, generationId: string): number {
    return this.#counts.get(ref, generationId)
  }

  async append(message: Omit<QueuedMessage, 'sequence'>): Promise<number> {
    const sequence = await this.#store.append(message)
    this.#counts.add(message.owner, 1)
    return sequence
  }

  /** Takes the oldest messages that nobody holds and that have not expired. */
  async lock(owner: QueueOwner, limit: number, lockMs: number): Promise<readonly HeldMessage[]> {
    const key = queueKey(owner)
    const startMs = this.#clock.now()
    const skip = this.locks.held(key, startMs)
    const messages = await this.#store.read(owner, { limit, skip, nowMs: startMs })
    const nowMs = this.#clock.now()
    // What expired meanwhile may be on its way out already.
    const fresh = messages.filter(({ expiresAtMs }) => expiresAtMs > nowMs)
    return fresh.map((message) => {
      const { system: _system, application: _application, body: _body, ...head } = message
      return { message, token: this.locks.take(key, head, nowMs + lockMs).token }
    })
  }

  heads(ref: DeviceRef): Promise<readonly MessageHead[]> {
    return this.#store.heads(ref, MAX_HEADS)
  }

  setDeliveryCount(sequence: number, deliveryCount: number): Promise<boolean> {
    return this.#store.setDeliveryCount(sequence, deliveryCount)
  }

  /** Removes messages and stores the feedback on them; locks end. @returns how many were there */
  async remove(heads: readonly MessageHead[], status: FeedbackStatus): Promise<number> {
    if (heads.length === 0) return 0
    const nowMs = this.#clock.now()
    const removals = heads.map((head) => {
      const feedback = feedbackOn(head, status, nowMs)
      return { sequence: head.sequence, ...(feedback && { feedback }) }
    })
    const removed = await this.#store.remove(removals)
    if (removed.length > 0 && removals.some(({ feedback }) => feedback)) this.#whenFeedback()
    const gone = new Set(removed)
    for (const { owner, sequence } of heads) {
      if (!gone.has(sequence)) continue
      this.#counts.add(owner, -1)
      this.locks.forget(queueKey(owner), sequence)
    }
    return removed.length
  }

  /** Of messages that have expired, those that nobody holds. */
  async removeExpired(heads: readonly MessageHead[]): Promise<void> {
    const nowMs = this.#clock.now()
    const free = heads.filter(
      ({ owner, sequence }) => !this.locks.holds(queueKey(owner), sequence, nowMs),
    )
    await this.remove(free, 'Expired')
  }

  /** All that have expired, in batches, so that others come in between. */
  async expire(): Promise<void> {
    const nowMs = this.#clock.now()
    for (let after: MessageHead | undefined; ; ) {
      const heads = await this.#store.expired(nowMs, EXPIRY_BATCH, after)
      await this.removeExpired(heads)
      if (heads.length < EXPIRY_BATCH) return
      after = heads.at(-1)
    }
  }
}
