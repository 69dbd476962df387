import { type DeviceRef, HubError } from '@twinward/protocol'
import { ConstraintError, type SqliteDatabase, type SqlRow, type Statement } from '@twinward/sqlite'
import type {
  DeviceChange,
  Entry,
  InsertOutcome,
  QueryPage,
  QueryRows,
  Registry,
  RegistryCounts,
} from '../../registry/registry.ts'
import type { Query } from '../../twins/query/ast.ts'
import { EntryCache, type Slot } from './entry-cache.ts'
import { EntryLoads } from './entry-loads.ts'
import {
  addUpdate,
  ENTRY_COLUMNS,
  ENTRY_TABLES,
  insertStatements,
  STATEMENTS_PER_INSERT,
  toEntry,
} from './entry-row.ts'
import { type HubDatabaseOptions, openHubDatabase } from './hub-database.ts'
import { PendingChanges } from './pending-changes.ts'
import { queryRows } from './query/query-rows.ts'

/** Parsed twins that stay in memory, in bytes, about. */
export const DEFAULT_CACHE_BYTES = 128 * 1024 * 1024

/** So many changed entries are worth a commit before the turn that changes them is over. */
const HURRY_ENTRIES = 128

const LIST_DEVICES = `SELECT ${ENTRY_COLUMNS} FROM ${ENTRY_TABLES}
  WHERE module_id = '' AND device_id > ? ORDER BY device_id LIMIT ?`
const LIST_MODULES = `SELECT ${ENTRY_COLUMNS} FROM ${ENTRY_TABLES}
  WHERE device_id = ? AND module_id > '' ORDER BY module_id`
const LIST_ENTRIES = `SELECT ${ENTRY_COLUMNS} FROM ${ENTRY_TABLES}
  WHERE (device_id, module_id) > (?, ?) ORDER BY device_id, module_id LIMIT ?`
const LIST_THESE = `SELECT ${ENTRY_COLUMNS} FROM ${ENTRY_TABLES}
  WHERE (device_id, module_id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))`
/** A page of `listEntries` ends after about so many bytes of text. */
const MAX_PAGE_BYTES = 1024 * 1024
const REMOVE_DEVICE = 'DELETE FROM entry WHERE device_id = ? RETURNING module_id'
const REMOVE_MODULE = 'DELETE FROM entry WHERE device_id = ? AND module_id = ? RETURNING module_id'

/** The two ends of a promise. */
interface Settle {
  readonly resolve: (entry: Entry | PromiseLike<Entry>) => void
  readonly reject: (error: unknown) => void
}

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
    // Whoever was connected when the process ended is not any more; a failure is everybody's.
    db.write([{ sql: 'DELETE FROM connection', params: [] }]).catch(() => {})
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

  change(
    ref: DeviceRef,
    decide: (entry: Entry) => Entry,
    use?: 'passing',
  ): Promise<Entry | undefined> {
    const slot = this.#cache.get(ref)
    if (slot) return this.#change(slot, decide)
    // Not by `#use`, whose promise would settle after those of calls that come later.
    return new Promise((resolve, reject) => {
      this.#loads.load(ref, {
        use: (loaded) => {
          if (!loaded) return resolve(undefined)
          if (use === 'passing') this.#cache.pass(loaded)
          this.#settleChange(loaded, decide, { resolve, reject })
        },
        fail: reject,
      })
    })
  }

  changeDevice(
    deviceId: string,
    decide: (device: Entry) => DeviceChange,
  ): Promise<Entry | undefined> {
    return this.#use({ deviceId }, (slot) => slot && this.#changeDevice(slot, decide))
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

  async listEntries(
    limit: number,
    { deviceId, moduleId = '' }: DeviceRef = { deviceId: '' },
  ): Promise<readonly Entry[]> {
    const rows = await this.#db.read(LIST_ENTRIES, [deviceId, moduleId, limit], MAX_PAGE_BYTES)
    return rows.map((row) => toEntry(row).entry)
  }

  async listThese(refs: readonly DeviceRef[]): Promise<readonly Entry[]> {
    const ids = refs.map(({ deviceId, moduleId = '' }) => [deviceId, moduleId])
    const rows = await this.#db.read(LIST_THESE, [JSON.stringify(ids)])
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

  async query(query: Query, page: QueryPage): Promise<QueryRows> {
    // Changes that wait for a read become part of a group when it is answered.
    if (this.#loads.isBusy) await this.#db.write([])
    return queryRows(this.#db, query, page)
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
    return new Promise((resolve, reject) => this.#settleChange(slot, decide, { resolve, reject }))
  }

  /** Changes of an entry are told durable in the order of the calls. */
  #settleChange(slot: Slot, decide: (entry: Entry) => Entry, { resolve, reject }: Settle): void {
    if (this.#pending?.isFull) {
      reject(busy())
      return
    }
    let next: Entry
    try {
      next = decide(slot.entry)
    } catch (error) {
      reject(error)
      return
    }
    if (next === slot.entry) {
      resolve(this.#show(slot))
      return
    }
    slot.entry = next
    const pending = this.#pending ?? this.#gather()
    const isNew = slot.pending !== pending
    if (isNew) pending.add(slot)
    pending.settle(next, resolve, reject)
    if (isNew && pending.size === HURRY_ENTRIES) this.#db.hurry()
  }

  /**
   * With modules that come or go, everything is one unit of the database. The device leaves the cache
   * before it, as at a removal: its earlier changes are ahead in the queue, reads come after.
   */
  #changeDevice(slot: Slot, decide: (device: Entry) => DeviceChange): Promise<Entry> {
    const { entry: before, id } = slot
    const { device, added = [], removed = [] } = decide(before)
    if (added.length === 0 && removed.length === 0) return this.#change(slot, () => device)
    const { deviceId } = before.ref
    const gone = [...added.map(({ ref }) => ref.moduleId ?? ''), ...removed]
    const statements = gone.map((moduleId) => removal({ deviceId, moduleId }))
    statements.push(...added.flatMap(insertStatements))
    const add = (sql: string, params: SqlRow) => statements.push({ sql, params })
    addUpdate(add, { id, written: before, lengths: { ...slot.lengths } }, device)
    this.#cache.forget({ deviceId })
    this.#loads.restart({ deviceId })
    return this.#db.write(statements).then(() => device)
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
    const { deviceId } = ref
    this.#cache.forget(ref)
    this.#loads.restart(ref)
    const [result] = await this.#db.write([removal(ref)])
    const moduleIds = (result?.rows ?? []).map(([id]) => String(id)).sort()
    return moduleIds.map((id) => (id === '' ? { deviceId } : { deviceId, moduleId: id }))
  }
}

function removal({ deviceId, moduleId }: DeviceRef): Statement {
  if (moduleId === undefined) return { sql: REMOVE_DEVICE, params: [deviceId] }
  return { sql: REMOVE_MODULE, params: [deviceId, moduleId] }
}

function busy(): HubError {
  return new HubError('ServiceUnavailable', 'Too many twins change at once.')
}

function isOrphan({ code }: ConstraintError): boolean {
  return code === 'SQLITE_CONSTRAINT_TRIGGER'
}
