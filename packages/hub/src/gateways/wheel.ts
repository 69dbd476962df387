import type { Clock } from '../clock.ts'

export const TICK_MS = 1000

/** Something with a deadline that moves. */
export interface Watched {
  /** The wheel's own: where it is kept; -1 when nowhere. */
  tick: number
  /** The time has come to look. @returns when to look again; `undefined` for never */
  due(nowMs: number): number | undefined
}

/**
 * One timer for the deadlines of all connections. Being alive costs a connection nothing: it notes
 * `nowMs` and is looked at only when the deadline it had before has come.
 */
export class Wheel {
  /** The time at the last tick: up to `TICK_MS` behind. */
  nowMs: number
  readonly #clock: Clock
  readonly #buckets = new Map<number, Set<Watched>>()
  readonly #stop: () => void

  constructor(clock: Clock) {
    this.#clock = clock
    this.nowMs = clock.now()
    this.#stop = clock.every(TICK_MS, () => this.#turn())
  }

  watch(item: Watched, atMs: number): void {
    this.forget(item)
    // Never the bucket that is being emptied: it would be visited again in this turn.
    item.tick = Math.max(Math.ceil(atMs / TICK_MS), Math.floor(this.nowMs / TICK_MS) + 1)
    const bucket = this.#buckets.get(item.tick)
    if (bucket) bucket.add(item)
    else this.#buckets.set(item.tick, new Set([item]))
  }

  forget(item: Watched): void {
    const bucket = this.#buckets.get(item.tick)
    item.tick = -1
    bucket?.delete(item)
  }

  close(): void {
    this.#stop()
    this.#buckets.clear()
  }

  #turn(): void {
    this.nowMs = this.#clock.now()
    const current = Math.floor(this.nowMs / TICK_MS)
    // Ticks may be late or missed, so every bucket up to now is emptied, not just the current one.
    for (const [tick, bucket] of [...this.#buckets]) {
      if (tick > current) continue
      this.#buckets.delete(tick)
      for (const item of bucket) {
        item.tick = -1
        const again = item.due(this.nowMs)
        if (again !== undefined) this.watch(item, again)
      }
    }
  }
}
