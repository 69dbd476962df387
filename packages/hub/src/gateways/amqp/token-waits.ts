import type { HubError } from '@twinward/protocol'
import { unauthorized } from './conditions.ts'
import { MAX_WAITING_ATTACHES } from './limits.ts'

interface Waiting {
  readonly untilMs: number
  readonly resolve: () => void
  readonly reject: (error: HubError) => void
}

/** Links of one connection that wait for a token. */
export class TokenWaits {
  readonly #waiting = new Set<Waiting>()

  /** Resolves when a token was put; rejects when none comes in time or too many wait. */
  wait(untilMs: number): Promise<void> {
    if (this.#waiting.size >= MAX_WAITING_ATTACHES) {
      return Promise.reject(unauthorized('too many links wait for a token'))
    }
    return new Promise((resolve, reject) => this.#waiting.add({ untilMs, resolve, reject }))
  }

  /** A token was put: who waits looks whether it is his. */
  tokenPut(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const { resolve } of waiting) resolve()
  }

  look(nowMs: number): void {
    for (const waiting of [...this.#waiting]) {
      if (waiting.untilMs > nowMs) continue
      this.#waiting.delete(waiting)
      waiting.reject(unauthorized('no token came in time'))
    }
  }

  /** When the first has waited long enough. */
  get nextMs(): number {
    let nextMs = Number.POSITIVE_INFINITY
    for (const { untilMs } of this.#waiting) nextMs = Math.min(nextMs, untilMs)
    return nextMs
  }

  ended(): void {
    for (const { reject } of this.#waiting) reject(unauthorized('the connection ended'))
    this.#waiting.clear()
  }
}
