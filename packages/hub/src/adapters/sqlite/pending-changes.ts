import type { AddStatement, DeferredUnit } from '@twinward/sqlite'
import type { Entry } from '../../registry/registry.ts'
import type { EntryCache, Slot } from './entry-cache.ts'
import { addUpdate } from './entry-row.ts'
import { toPortError } from './hub-errors.ts'

/** Calls that wait for one commit. */
const MAX_WAITING_CALLS = 100_000
/** What changed entries may take in the cache, where they must stay until they are durable. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024

/**
 * The changes of cached entries that one commit makes durable. An entry that changes many times in
 * between is serialised and written once, when the group leaves; every caller gets its own result.
 */
export class PendingChanges implements DeferredUnit {
  readonly #cache: EntryCache
  readonly #slots: Slot[] = []
  // Three arrays rather than one of objects: this is the hot path.
  readonly #results: Entry[] = []
  readonly #resolves: ((entry: Entry) => void)[] = []
  readonly #rejects: ((error: unknown) => void)[] = []
  readonly #left: () => void
  #updates = 0
  #bytes = 0
  #failure: unknown

  /** @param left  called when the group leaves: what comes later belongs to other changes */
  constructor(cache: EntryCache, left: () => void) {
    this.#cache = cache
    this.#left = left
  }

  /** Nothing more may wait for this commit. */
  get isFull(): boolean {
    return this.#results.length >= MAX_WAITING_CALLS || this.#bytes >= MAX_PENDING_BYTES
  }

  /** Entries to write. */
  get size(): number {
    return this.#slots.length
  }

  /** Takes the slot's entry along; more of its changes may follow until the group leaves. */
  add(slot: Slot): void {
    slot.pending = this
    this.#slots.push(slot)
    this.#bytes += slot.countedBytes
  }

  /** Settles with `result` once everything in here is durable. */
  wait(result: Entry): Promise<Entry> {
    return new Promise((resolve, reject) => this.settle(result, resolve, reject))
  }

  /** The same with a promise that is there already; all settle in the order of the calls. */
  settle(result: Entry, resolve: (entry: Entry) => void, reject: (error: unknown) => void): void {
    if (this.#failure !== undefined) {
      reject(this.#failure)
      return
    }
    this.#results.push(result)
    this.#resolves.push(resolve)
    this.#rejects.push(reject)
  }

  statements(add: AddStatement): void {
    this.#left()
    for (const slot of this.#slots) {
      this.#updates += addUpdate(add, slot, slot.entry)
      slot.written = slot.entry
      this.#cache.recount(slot)
    }
  }

  committed(changes: number): void {
    for (const slot of this.#slots) {
      if (slot.pending === this) slot.pending = undefined
    }
    if (changes !== this.#updates) {
      this.failed(new Error(`${this.#updates} rows were to change, ${changes} did.`))
      return
    }
    for (let i = 0; i < this.#results.length; i++) this.#resolves[i]?.(this.#results[i] as Entry)
    this.#cache.evict()
  }

  failed(error: Error): void {
    this.#left()
    this.#failure = toPortError(error)
    for (const reject of this.#rejects) reject(this.#failure)
  }
}
