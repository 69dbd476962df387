import { type DeviceRef, refKey } from '@twinward/protocol'

/** Twins that wait to be looked at. */
export const MAX_DIRTY_TWINS = 50_000
/** Twins that are looked at together: worth a commit, and little beside what else waits for one. */
export const TWINS_AT_ONCE = 256

/** Twins that something has happened to, each once; they are looked at in the order they came. */
export class DirtyTwins {
  readonly #work: (refs: readonly DeviceRef[]) => Promise<void>
  readonly #refs = new Map<string, DeviceRef>()
  #running: Promise<void> | undefined
  #turn: Promise<void> | undefined
  #isClosed = false

  /** @param work  must not reject */
  constructor(work: (refs: readonly DeviceRef[]) => Promise<void>) {
    this.#work = work
  }

  get size(): number {
    return this.#refs.size
  }

  /** @returns whether there was room */
  add(ref: DeviceRef): boolean {
    if (this.#isClosed) return true
    const key = refKey(ref)
    if (this.#refs.size >= MAX_DIRTY_TWINS && !this.#refs.has(key)) return false
    this.#refs.set(key, ref)
    this.#running ??= this.#run()
    return true
  }

  /** Resolves when none waits and none is worked on. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  /** Resolves when those are done that are worked on now, however many come meanwhile. */
  async turn(): Promise<void> {
    await this.#turn
  }

  /** What waits is left. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#refs.clear()
    await this.idle()
  }

  async #run(): Promise<void> {
    // Those of one turn go together.
    await Promise.resolve()
    while (this.#refs.size > 0) {
      const taken: DeviceRef[] = []
      for (const [key, ref] of this.#refs) {
        this.#refs.delete(key)
        if (taken.push(ref) === TWINS_AT_ONCE) break
      }
      this.#turn = this.#work(taken)
      await this.#turn
    }
    this.#turn = undefined
    this.#running = undefined
  }
}
