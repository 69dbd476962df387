import type { Clock } from '../src/clock.ts'

interface Timer {
  dueMs: number
  readonly everyMs?: number
  readonly run: () => void
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs: number
  readonly #timers = new Set<Timer>()

  constructor(nowMs = Date.UTC(2024, 0, 1)) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const timer: Timer = { dueMs: this.#nowMs + ms, run: done }
      this.#timers.add(timer)
      const abort = () => {
        this.#timers.delete(timer)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
      function done() {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
    })
  }

  every(ms: number, run: () => void): () => void {
    const timer: Timer = { dueMs: this.#nowMs + ms, everyMs: ms, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Lets the given time pass, stopping at every timer, with all that follows from it. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settle()
    for (;;) {
      const due = [...this.#timers].filter(({ dueMs }) => dueMs <= endMs)
      const next = due.sort((a, b) => a.dueMs - b.dueMs)[0]
      if (next === undefined) break
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      if (next.everyMs === undefined) this.#timers.delete(next)
      else next.dueMs += next.everyMs
      next.run()
      await settle()
    }
    this.#nowMs = endMs
    await settle()
  }
}

/** Turns of the event loop that everything in memory needs to come to rest. */
const SETTLING_TURNS = 20

/** Waits until what was started in memory has run as far as it can without time passing. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLING_TURNS; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}
