/** Changes that wait for one that is missing. */
export const MAX_HELD_CHANGES = 32
/** How long a missing change is waited for. */
export const GAP_MS = 1000

/**
 * Lets changes of desired properties out strictly in the order of their `$version`. One that skips a
 * version is held until the missing one comes.
 */
export class DesiredOrder {
  /** What the device knows; `undefined` until it was told a first version. */
  #known: number | undefined
  readonly #held = new Map<number, Buffer>()
  #sinceMs = 0

  /** The device has read its twin at this version. */
  read(version: number): readonly Buffer[] {
    if (this.#known === undefined || version > this.#known) this.#known = version
    return this.#release()
  }

  /** @returns what may be sent now, in order */
  change(version: number, message: Buffer, nowMs: number): readonly Buffer[] {
    if (this.#known !== undefined && version <= this.#known) return []
    if (this.#known !== undefined && version > this.#known + 1) {
      if (this.#held.size === 0) this.#sinceMs = nowMs
      this.#held.set(version, message)
      return []
    }
    this.#known = version
    return [message, ...this.#release()]
  }

  /** A notice was lost: the device has to read its twin again. */
  isBroken(nowMs: number): boolean {
    return nowMs >= this.brokenMs
  }

  /** From when on `isBroken` says so, unless what is missing comes. */
  get brokenMs(): number {
    if (this.#held.size === 0) return Number.POSITIVE_INFINITY
    return this.#held.size > MAX_HELD_CHANGES ? this.#sinceMs : this.#sinceMs + GAP_MS
  }

  #release(): readonly Buffer[] {
    const ready: Buffer[] = []
    if (this.#known === undefined) return ready
    for (const version of this.#held.keys()) if (version <= this.#known) this.#held.delete(version)
    for (let next = this.#held.get(this.#known + 1); next; next = this.#held.get(this.#known + 1)) {
      this.#known++
      this.#held.delete(this.#known)
      ready.push(next)
    }
    return ready
  }
}
