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
    return nowMs - this.#heardMs > MAX_SILENCE_MS
  }

  /** Whether a sign of life is due: half of the peer's time, less a tick that may be late. */
  isDue(nowMs: number): boolean {
    const { peerIdleMs } = this
    if (peerIdleMs === undefined) return false
    return nowMs - this.#wroteMs >= (peerIdleMs - MIN_PEER_IDLE_MS) / 2
  }
}
