import { randomUUID } from 'node:crypto'
import type { MessageHead } from './message-queue.ts'

/** A message that a receiver holds. */
export interface Lock {
  readonly token: string
  readonly queueKey: string
  readonly head: MessageHead
  readonly untilMs: number
  /** Its settlement is being stored: nobody else may have the message, however long that takes. */
  isSettling: boolean
}

/**
 * Who holds which message. Only in memory: a restart releases all locks, so that what was under way
 * is delivered again at once.
 */
export class Locks {
  /** In the order in which they end, because all last equally long. */
  readonly #byToken = new Map<string, Lock>()
  readonly #byQueue = new Map<string, Map<number, Lock>>()

  take(queueKey: string, head: MessageHead, untilMs: number): Lock {
    const lock = { token: randomUUID(), queueKey, head, untilMs, isSettling: false }
    this.#byToken.set(lock.token, lock)
    const queue = this.#byQueue.get(queueKey)
    if (queue) queue.set(head.sequence, lock)
    else this.#byQueue.set(queueKey, new Map([[head.sequence, lock]]))
    return lock
  }

  /** The lock, unless it has ended or is being settled. */
  find(token: string, nowMs: number): Lock | undefined {
    const lock = this.#byToken.get(token)
    return lock && !lock.isSettling && lock.untilMs > nowMs ? lock : undefined
  }

  /** Sequences of a queue that somebody holds. */
  held(queueKey: string, nowMs: number): readonly number[] {
    const locks = [...(this.#byQueue.get(queueKey)?.values() ?? [])]
    return locks.filter((lock) => isHeld(lock, nowMs)).map(({ head }) => head.sequence)
  }

  holds(queueKey: string, sequence: number, nowMs: number): boolean {
    const lock = this.#byQueue.get(queueKey)?.get(sequence)
    return lock !== undefined && isHeld(lock, nowMs)
  }

  free({ token, queueKey, head }: Lock): void {
    this.#byToken.delete(token)
    const queue = this.#byQueue.get(queueKey)
    // Somebody else may hold the message by now.
    if (queue?.get(head.sequence)?.token === token) queue.delete(head.sequence)
    if (queue?.size === 0) this.#byQueue.delete(queueKey)
  }

  /** The message is gone. */
  forget(queueKey: string, sequence: number): void {
    const lock = this.#byQueue.get(queueKey)?.get(sequence)
    if (lock) this.free(lock)
  }

  /** Frees those that have ended, and returns them. */
  freeEnded(nowMs: number): readonly Lock[] {
    const ended: Lock[] = []
    for (const lock of this.#byToken.values()) {
      if (lock.untilMs > nowMs) break
      if (!lock.isSettling) ended.push(lock)
    }
    for (const lock of ended) this.free(lock)
    return ended
  }
}

function isHeld({ isSettling, untilMs }: Lock, nowMs: number): boolean {
  return isSettling || untilMs > nowMs
}
