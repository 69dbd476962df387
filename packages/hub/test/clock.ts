import type { Clock } from '../src/clock.ts'

/** A clock that stands still until its owner moves it. */
export class TestClock implements Clock {
  #nowMs: number
  readonly #timers = new Set<{ atMs: number; everyMs: number | undefined; run: () => void }>()

  constructor(nowMs = Date.parse('2026-01-01T00:00:00Z')) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = { atMs: this.#nowMs + ms, everyMs: undefined, run: resolve }
      this.#timers.add(timer)
      signal?.addEventListener('abort', () => {
        this.#timers.delete(timer)
        reject(signal.reason)
      })
    })
  }

  every(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, everyMs: ms, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Goes on by `ms`; everything that falls due runs in its order, at its time. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const next = [...this.#timers].reduce((a, b) => (b.atMs < a.atMs ? b : a), {
        atMs: Number.POSITIVE_INFINITY,
        everyMs: undefined as number | undefined,
        run: () => {},
      })
      if (next.atMs > untilMs) break
      this.#nowMs = next.atMs
      if (next.everyMs === undefined) this.#timers.delete(next)
      else next.atMs += next.everyMs
      next.run()
    }
    this.#nowMs = untilMs
  }
}
