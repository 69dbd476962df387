import type { Answer } from './answers.ts'
import type { PacketWriter } from './writer.ts'

/** Changes that wait for one that is missing. */
export const MAX_HELD_CHANGES = 32
/** How long a missing change is waited for. */
export const GAP_MS = 1000

/**
 * Lets the desired properties out strictly in the order of their `$version`.
 *
 * A twin that the device read counts as everything up to its version. A change that skips one is
 * held until the missing one comes; `hasGap` tells that some are held.
 */
export class DesiredSequence {
  /** What the device knows; `undefined` until it was told a first version. */
  #known: number | undefined
  readonly #held = new Map<number, Answer>()

  get hasGap(): boolean {
    return this.#held.size > 0
  }

  /** The version that is waited for while there is a gap. */
  get missing(): number {
    return (this.#known ?? 0) + 1
  }

  /** More is held than a lost notice explains. */
  get isOverfull(): boolean {
    return this.#held.size > MAX_HELD_CHANGES
  }

  /** A change that the device did not subscribe to: it is not waiting for it. */
  skip(version: number): void {
    if (this.#known !== undefined && version > this.#known) this.#known = version
  }

  /** An answer with desired properties has its turn: it is written, held or dropped as stale. */
  pass(answer: Answer, writer: PacketWriter): void {
    const version = answer.desiredVersion
    if (answer.isDesiredChange && this.#known !== undefined && version !== this.#known + 1) {
      if (version > this.#known) this.#held.set(version, answer)
      return
    }
    answer.write(writer)
    if (this.#known === undefined || version > this.#known) this.#known = version
    this.#release(writer)
  }

  #release(writer: PacketWriter): void {
    if (this.#held.size === 0 || this.#known === undefined) return
    for (const version of this.#held.keys()) {
      if (version <= this.#known) this.#held.delete(version)
    }
    for (let next = this.#held.get(this.#known + 1); next; next = this.#held.get(this.#known + 1)) {
      this.#known++
      this.#held.delete(this.#known)
      next.write(writer)
    }
  }
}
