import type { Clock } from '../clock.ts'
import type { FindingFeed } from './finding-feed.ts'

/** Waits for the feed: of notices that come while nobody waits, the next wait ends at once. */
export class FeedWatch {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #unsubscribe: () => void
  #waker: AbortController | undefined
  #isWoken = false

  /** @param signal  ends every wait */
  constructor(feed: FindingFeed, clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
    this.#unsubscribe = feed.subscribe(() => this.wake())
  }

  wake(): void {
    this.#isWoken = true
    this.#waker?.abort()
  }

  /** @returns whether somebody woke it within `ms` */
  async wait(ms: number): Promise<boolean> {
    if (!this.#isWoken && !this.#signal.aborted) {
      const waker = new AbortController()
      this.#waker = waker
      const end = () => waker.abort()
      this.#signal.addEventListener('abort', end, { once: true })
      await this.#clock.sleep(ms, waker.signal).catch(() => {})
      this.#signal.removeEventListener('abort', end)
      this.#waker = undefined
    }
    const wasWoken = this.#isWoken
    this.#isWoken = false
    return wasWoken
  }

  close(): void {
    this.#unsubscribe()
    this.wake()
  }
}
