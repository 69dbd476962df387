import { type DeviceRef, isSameRef } from '@twinward/protocol'
import type {
  FeedbackRecord,
  MessageHead,
  MessageQueue,
  QueueCount,
  QueuedMessage,
  QueueOwner,
  Removal,
  StoredFeedback,
} from '../../messages/message-queue.ts'

/** The message queue for tests: everything in memory, durable at once. */
export class MemoryMessageQueue implements MessageQueue {
  /** In the order of the sequences. */
  readonly #messages = new Map<number, QueuedMessage>()
  #feedback: StoredFeedback[] = []
  #lastSequence = 0
  #lastFeedback = 0

  async append(message: Omit<QueuedMessage, 'sequence'>): Promise<number> {
    const sequence = ++this.#lastSequence
    this.#messages.set(sequence, { ...message, sequence, body: Uint8Array.from(message.body) })
    return sequence
  }

  async read(
    owner: QueueOwner,
    { limit, skip, nowMs }: { limit: number; skip: readonly number[]; nowMs: number },
  ): Promise<readonly QueuedMessage[]> {
    const found = [...this.#messages.values()].filter(
      (message) =>
        isSameOwner(message.owner, owner) &&
        message.expiresAtMs > nowMs &&
        !skip.includes(message.sequence),
    )
    return found.slice(0, limit)
  }

  async heads(ref: DeviceRef, limit: number): Promise<readonly MessageHead[]> {
    const found = [...this.#messages.values()].filter(({ owner }) => isSameRef(owner.ref, ref))
    return found.slice(0, limit).map(toHead)
  }

  async expired(
    nowMs: number,
    limit: number,
    after?: MessageHead,
  ): Promise<readonly MessageHead[]> {
    const order = (a: MessageHead, b: MessageHead) =>
      a.expiresAtMs - b.expiresAtMs || a.sequence - b.sequence
    return [...this.#messages.values()]
      .filter((message) => message.expiresAtMs <= nowMs && (!after || order(message, after) > 0))
      .sort(order)
      .slice(0, limit)
      .map(toHead)
  }

  async remove(removals: readonly Removal[]): Promise<readonly number[]> {
    const removed: number[] = []
    for (const { sequence, feedback } of removals) {
      if (!this.#messages.delete(sequence)) continue
      removed.push(sequence)
      if (feedback) this.#store(feedback)
    }
    return removed
  }

  async setDeliveryCount(sequence: number, deliveryCount: number): Promise<boolean> {
    const message = this.#messages.get(sequence)
    if (!message) return false
    this.#messages.set(sequence, { ...message, deliveryCount })
    return true
  }

  async listQueues(limit: number, after?: QueueOwner): Promise<readonly QueueCount[]> {
    const queues = new Map<string, { owner: QueueOwner; count: number }>()
    for (const { owner } of this.#messages.values()) {
      const key = JSON.stringify([owner.ref, owner.generationId])
      const queue = queues.get(key) ?? { owner, count: 0 }
      queues.set(key, { owner, count: queue.count + 1 })
    }
    return [...queues.values()]
      .filter(({ owner }) => !after || compareOwners(owner, after) > 0)
      .sort((a, b) => compareOwners(a.owner, b.owner))
      .slice(0, limit)
  }

  async readFeedback(limit: number, skip: readonly number[]): Promise<readonly StoredFeedback[]> {
    return this.#feedback.filter(({ sequence }) => !skip.includes(sequence)).slice(0, limit)
  }

  async removeFeedback(sequences: readonly number[]): Promise<void> {
    this.#feedback = this.#feedback.filter(({ sequence }) => !sequences.includes(sequence))
  }

  async trimFeedback(beforeMs: number, keep: number): Promise<number> {
    const { length } = this.#feedback
    const young = this.#feedback.filter(({ timeMs }) => timeMs >= beforeMs)
    this.#feedback = young.slice(Math.max(0, young.length - keep))
    return length - this.#feedback.length
  }

  async close(): Promise<void> {}

  #store(feedback: FeedbackRecord): void {
    this.#feedback.push({ ...feedback, sequence: ++this.#lastFeedback })
  }
}

function toHead(message: QueuedMessage): MessageHead {
  const { system: _system, application: _application, body: _body, ...head } = message
  return head
}

function isSameOwner(a: QueueOwner, b: QueueOwner): boolean {
  return a.generationId === b.generationId && isSameRef(a.ref, b.ref)
}

function compareOwners(a: QueueOwner, b: QueueOwner): number {
  const [one, other] = [a, b].map(({ ref, generationId }) => {
    return [ref.deviceId, ref.moduleId ?? '', generationId].join('\0')
  })
  return String(one) < String(other) ? -1 : one === other ? 0 : 1
}
