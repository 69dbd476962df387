import { MAX_SILENCE_MS, MIN_PEER_IDLE_MS } from './limits.ts'

/** Signs of life of one connection, both ways (part 2 §2.4.5 of the standard). */
export class Heartbeat {
  /** The silence that the peer does not stand; `undefined`: any. */
  peerIdleMs: number | undefined
  #heardMs: number
  #wroteMs: number

  constructor(nowMs: number) {
    this.#heardMs = nowMs
    this.#wroteMs = nowMs
  }

  heard(nowMs: number): void {
    this.#heardMs = nowMs
  }

  wrote(nowMs: number): void {
    this.#wroteMs = nowMs
  }

  /** Nothing was heard for so long that the peer counts as gone. */
  isSilent(nowMs: number): boolean {
    return nowMs >= this.#silentAtMs
  }

  /** Whether a sign of life is due. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueAtMs
  }

  /** When one of the two will be so, if nothing happens until then. */
  get nextMs(): number {
    return Math.min(this.#silentAtMs, this.#dueAtMs)
  }

  get #silentAtMs(): number {
    return this.#heardMs + MAX_SILENCE_MS
  }

  /** Half of the peer's time, less a tick that may be late. */
  get #dueAtMs(): number {
    const { peerIdleMs } = this
    if (peerIdleMs === undefined) return Number.POSITIVE_INFINITY
    return this.#wroteMs + (peerIdleMs - MIN_PEER_IDLE_MS) / 2
  }
}
