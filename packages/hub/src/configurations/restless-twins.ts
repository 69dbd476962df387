import { type DeviceRef, refKey } from '@twinward/protocol'

/** So often a twin is written in one window because something has happened to it. */
export const MAX_WRITES_PER_WINDOW = 10
export const WINDOW_MS = 60_000
/** Twins whose writes are counted in one window; those beyond are not held back. */
const MAX_COUNTED_TWINS = 50_000

/**
 * Twins of which each write calls for another: a device that answers with what takes it out of the
 * target, or somebody who writes something else every time. After a few writes they wait for the next
 * window, so that neither goes on at the speed of the network.
 */
export class RestlessTwins {
  readonly #writes = new Map<string, number>()
  readonly #resting = new Map<string, DeviceRef>()

  /** Those that wait for the next window. */
  get size(): number {
    return this.#resting.size
  }

  wrote(ref: DeviceRef): void {
    const key = refKey(ref)
    const writes = this.#writes.get(key)
    if (writes === undefined && this.#writes.size >= MAX_COUNTED_TWINS) return
    this.#writes.set(key, (writes ?? 0) + 1)
  }

  /** @returns whether the twin waits for the next window now */
  rests(ref: DeviceRef): boolean {
    const key = refKey(ref)
    if ((this.#writes.get(key) ?? 0) < MAX_WRITES_PER_WINDOW) return false
    this.#resting.set(key, ref)
    return true
  }

  /** Begins another window. @returns those that waited for it */
  next(): readonly DeviceRef[] {
    const refs = [...this.#resting.values()]
    this.#resting.clear()
    this.#writes.clear()
    return refs
  }
}
