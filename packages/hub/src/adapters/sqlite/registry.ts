import { type DeviceRef, HubError } from '@twinward/protocol'
import { ConstraintError, type SqliteDatabase, type Statement } from '@twinward/sqlite'
import type { Entry, InsertOutcome, Registry, RegistryCounts } from '../../registry/registry.ts'
import { EntryCache, type Slot } from './entry-cache.ts'
import { EntryLoads } from './entry-loads.ts'
import {
  ENTRY_COLUMNS,
  ENTRY_TABLES,
  insertStatements,
  STATEMENTS_PER_INSERT,
  toEntry,
} from './entry-row.ts'
import { type HubDatabaseOptions, openHubDatabase } from './hub-database.ts'
import { PendingChanges } from './pending-changes.ts'

/** Parsed twins that stay in memory, in bytes, about. */
export const DEFAULT_CACHE_BYTES = 128 * 1024 * 1024

/** So many changed entries are worth a commit before the turn that changes them is over. */
const HURRY_ENTRIES = 128

const LIST_DEVICES = `SELECT ${ENTRY_COLUMNS} FROM ${ENTRY_TABLES}
  WHERE module_id = '' AND device_id > ? ORDER BY device_id LIMIT ?`
const LIST_MODULES = `SELECT ${ENTRY_COLUMNS} FROM ${ENTRY_TABLES}
  WHERE device_id = ? AND module_id > '' ORDER BY module_id`
const REMOVE_DEVICE = 'DELETE FROM entry WHERE device_id = ? RETURNING module_id'
const REMOVE_MODULE = 'DELETE FROM entry WHERE device_id = ? AND module_id = ? RETURNING module_id'

export interface SqliteRegistryOptions extends HubDatabaseOptions {
  /** Default `DEFAULT_CACHE_BYTES`. */
  readonly cacheBytes?: number
}

/**
 * The registry in tables `entry` and `reported`. Entries in use stay parsed in a cache, where changes apply at once;
 * what a caller sees is always durable.
 *
 * Updates, reads, inserts and removals go through one queue. That is why a cached entry that leaves
 * the cache at a removal takes its changes along before it, and a read afterwards finds nothing.
 */
export class SqliteRegistry implements Registry {
  readonly #db: SqliteDatabase
  readonly #cache: EntryCache
  readonly #loads: EntryLoads
  /** What the next group takes along. */
  #pending: PendingChanges | undefined

  /** @param db  of `openHubDatabase`, which others may use beside it */
  constructor(db: SqliteDatabase, cacheBytes = DEFAULT_CACHE_BYTES) {
    this.#db = db
    this.#cache = new EntryCache(cacheBytes)
    this.#loads = new EntryLoads(db, this.#cache)
  }

  /** A registry with a database of its own. @throws as `openSqlite` */
  static async open(options: SqliteRegistryOptions): Promise<SqliteRegistry> {
    return new SqliteRegistry(await openHubDatabase(options), options.cacheBytes)
  }

  find(ref: DeviceRef): Promise<Entry | undefined> {
    const slot = this.#cache.get(ref)
    if (slot) return this.#show(slot)
    return this.#use(ref, (loaded) => loaded && this.#show(loaded))
  }

  async insert(entries: readonly Entry[]): Promise<InsertOutcome> {
    if (entries.length === 0) return 'inserted'
    // Devices first, because a module needs its own.
    const rows = [
      ...entries.filter(({ ref }) => ref.moduleId === undefined),
      ...entries.filter(({ ref }) => ref.moduleId !== undefined),
    ]
    for (const { ref } of rows) this.#loads.restart(ref)
    try {
      await this.#db.write(rows.flatMap(insertStatements))
      return 'inserted'
    } catch (error) {
      if (!(error instanceof ConstraintError)) throw error
      const refused = rows[Math.floor(error.statement / STATEMENTS_PER_INSERT)]
      if (!refused) throw error
      return isOrphan(error) ? { orphan: refused.ref } : { taken: refused.ref }
    }
  }

  change(ref: DeviceRef, decide: (entry: Entry) => Entry): Promise<Entry | undefined> {
    const slot = this.#cache.get(ref)
    if (slot) return this.#change(slot, decide)
    return this.#use(ref, (loaded) => loaded && this.#change(loaded, decide))
  }

  remove(ref: DeviceRef, check?: (entry: Entry) => void): Promise<readonly DeviceRef[]> {
    return this.#use(ref, (slot) => {
      if (!slot) return []
      check?.(slot.entry)
      return this.#remove(ref)
    })
  }

  async listDevices(limit: number, after = ''): Promise<readonly Entry[]> {
    const rows = await this.#db.read(LIST_DEVICES, [after, limit])
    return rows.map((row) => toEntry(row).entry)
  }

  async listModules(deviceId: string): Promise<readonly Entry[]> {
    const rows = await this.#db.read(LIST_MODULES, [deviceId])
    return rows.map((row) => toEntry(row).entry)
  }

  async count(): Promise<RegistryCounts> {
    const sql = 'SELECT devices, disabled_devices, modules FROM entry_count'
    const [row = []] = await this.#db.read(sql, [])
    const [devices, disabledDevices, modules] = row
    return {
      devices: Number(devices),
      disabledDevices: Number(disabledDevices),
      modules: Number(modules),
    }
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  /** Calls `use` with the cached entry, after a read where necessary. */
  #use<T>(ref: DeviceRef, use: (slot: Slot | undefined) => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#loads.load(ref, {
        use(slot) {
          try {
            resolve(use(slot))
          } catch (error) {
            reject(error)
          }
        },
        fail: reject,
      })
    })
  }

  #change(slot: Slot, decide: (entry: Entry) => Entry): Promise<Entry> {
    if (this.#pending?.isFull) return Promise.reject(busy())
    let next: Entry
    try {
      next = decide(slot.entry)
    } catch (error) {
      return Promise.reject(error)
    }
    if (next === slot.entry) return this.#show(slot)
    slot.entry = next
    const pending = this.#pending ?? this.#gather()
    if (slot.pending === pending) return pending.wait(next)
    pending.add(slot)
    const durable = pending.wait(next)
    if (pending.size === HURRY_ENTRIES) this.#db.hurry()
    return durable
  }

  /** The entry as it is now, once that is durable. */
  #show(slot: Slot): Promise<Entry> {
    if (!slot.pending) return Promise.resolve(slot.entry)
    return slot.pending.isFull ? Promise.reject(busy()) : slot.pending.wait(slot.entry)
  }

  #gather(): PendingChanges {
    const pending = new PendingChanges(this.#cache, () => {
      if (this.#pending === pending) this.#pending = undefined
    })
    this.#pending = pending
    this.#db.defer(pending)
    return pending
  }

  async #remove(ref: DeviceRef): Promise<readonly DeviceRef[]> {
    const { deviceId, moduleId } = ref
    this.#cache.forget(ref)
    this.#loads.restart(ref)
    const statement: Statement =
      moduleId === undefined
        ? { sql: REMOVE_DEVICE, params: [deviceId] }
        : { sql: REMOVE_MODULE, params: [deviceId, moduleId] }
    const [result] = await this.#db.write([statement])
    const moduleIds = (result?.rows ?? []).map(([id]) => String(id)).sort()
    return moduleIds.map((id) => (id === '' ? { deviceId } : { deviceId, moduleId: id }))
  }
}

function busy(): HubError {
  return new HubError('ServiceUnavailable', 'Too many twins change at once.')
}

function isOrphan({ code }: ConstraintError): boolean {
  return code === 'SQLITE_CONSTRAINT_TRIGGER'
}
