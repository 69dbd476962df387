import { type DeviceRef, refKey } from '@twinward/protocol'
import type { SqliteDatabase, SqlRow } from '@twinward/sqlite'
import { type EntryCache, Slot } from './entry-cache.ts'
import { ENTRY_COLUMNS, ENTRY_TABLES, toEntry } from './entry-row.ts'

const FIND = `SELECT ${ENTRY_COLUMNS} FROM ${ENTRY_TABLES}
  WHERE device_id = ? AND module_id = ?`

interface Load {
  readonly ref: DeviceRef
  readonly waiting: Waiting[]
  isStale: boolean
}

interface Waiting {
  use(slot: Slot | undefined): void
  fail(error: unknown): void
}

/** Brings entries into the cache: one read per entry, however many wait for it. */
export class EntryLoads {
  readonly #db: SqliteDatabase
  readonly #cache: EntryCache
  readonly #loads = new Map<string, Load>()

  constructor(db: SqliteDatabase, cache: EntryCache) {
    this.#db = db
    this.#cache = cache
  }

  /** Whether somebody waits for a read. */
  get isBusy(): boolean {
    return this.#loads.size > 0
  }

  /** Calls `use` with the cached entry, at once or after a read, in the order of the calls. */
  load(ref: DeviceRef, waiting: Waiting): void {
    const slot = this.#cache.get(ref)
    if (slot) {
      waiting.use(slot)
      return
    }
    const underWay = this.#loads.get(refKey(ref))
    if (underWay) {
      underWay.waiting.push(waiting)
      return
    }
    const load: Load = { ref, waiting: [waiting], isStale: false }
    this.#loads.set(refKey(ref), load)
    this.#db.read(FIND, [ref.deviceId, ref.moduleId ?? '']).then(
      (rows) => this.#finish(load, rows),
      (error) => this.#fail(load, error),
    )
  }

  /**
   * Reads under way of a device and its modules, or of one module, start again: what they found is
   * about to be inserted or removed.
   */
  restart({ deviceId, moduleId }: DeviceRef): void {
    for (const [key, load] of this.#loads) {
      if (load.ref.deviceId !== deviceId) continue
      if (moduleId !== undefined && load.ref.moduleId !== moduleId) continue
      load.isStale = true
      this.#loads.delete(key)
    }
  }

  #finish(load: Load, rows: readonly SqlRow[]): void {
    if (load.isStale) {
      for (const waiting of load.waiting) this.load(load.ref, waiting)
      return
    }
    try {
      const [row] = rows
      const slot = row && new Slot(toEntry(row))
      if (slot) this.#cache.add(slot)
      this.#loads.delete(refKey(load.ref))
      for (const waiting of load.waiting) {
        // One of those before may have removed it.
        if (slot && !this.#cache.has(slot)) this.load(load.ref, waiting)
        else waiting.use(slot)
      }
      this.#cache.evict()
    } catch (error) {
      this.#fail(load, error)
    }
  }

  #fail(load: Load, error: unknown): void {
    if (!load.isStale) this.#loads.delete(refKey(load.ref))
    for (const waiting of load.waiting) waiting.fail(error)
  }
}
