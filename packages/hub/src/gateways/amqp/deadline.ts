import type { Watched, Wheel } from '../wheel.ts'

/**
 * When one connection has to be looked at next. It is looked at then and not before, so that one that
 * idles costs nothing, however many there are.
 */
export class Deadline implements Watched {
  tick = -1
  readonly #wheel: Wheel
  readonly #look: (nowMs: number) => number
  #atMs = Number.POSITIVE_INFINITY
  #isStopped = false

  /** @param look  called when the time has come; returns when to look again, infinity for never */
  constructor(wheel: Wheel, look: (nowMs: number) => number) {
    this.#wheel = wheel
    this.#look = look
  }

  /** Something falls due then: looks no later than two ticks after it. */
  by(atMs: number): void {
    if (this.#isStopped || atMs >= this.#atMs) return
    this.#atMs = atMs
    this.#wheel.watch(this, atMs)
  }

  due(nowMs: number): undefined {
    this.#atMs = Number.POSITIVE_INFINITY
    this.by(this.#look(nowMs))
  }

  stop(): void {
    this.#isStopped = true
    this.#wheel.forget(this)
  }
}
