import { HubError } from '@twinward/protocol'
import {
  type SqliteDatabase,
  type SqlRow,
  type Statement,
  StoreBusyError,
  StoreClosedError,
} from '@twinward/sqlite'
import { MAX_PAGE_CHARACTERS } from '../../data/finding-limits.ts'
import type { Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import {
  type DuePlace,
  type ModuleChanges,
  type ModuleStore,
  noModules,
  type StateCounts,
} from '../../modules/module-store.ts'
import type { ModuleRecord, Tombstone } from '../../modules/record.ts'
import type { ModuleState } from '../../modules/state.ts'
import { cutPage } from './list.ts'

const PUT_RECORD = `INSERT INTO module (device_id, state, due_ms, document) VALUES (?, ?, ?, ?)
  ON CONFLICT (device_id) DO UPDATE SET
    state = excluded.state, due_ms = excluded.due_ms, document = excluded.document`
const PUT_TOMBSTONE = `INSERT INTO tombstone (device_id, deleted_ms, document) VALUES (?, ?, ?)
  ON CONFLICT (device_id) DO UPDATE SET
    deleted_ms = excluded.deleted_ms, document = excluded.document`
/** The list of ids is one parameter, however long it is. */
const FIND_MANY = `SELECT device_id, document FROM module
  WHERE device_id IN (SELECT value FROM json_each(?))`
const LIST = `SELECT document FROM module WHERE device_id > ? ORDER BY device_id LIMIT ?`
const LIST_OF_STATE = `SELECT document FROM module INDEXED BY module_by_state
  WHERE state = ? AND device_id > ? ORDER BY device_id LIMIT ?`
const DUE = `SELECT device_id, due_ms FROM module INDEXED BY module_due
  WHERE due_ms > 0 AND due_ms <= ? AND (due_ms, device_id) > (?, ?)
  ORDER BY due_ms, device_id LIMIT ?`
const LIST_TOMBSTONES = `SELECT document FROM tombstone INDEXED BY tombstone_by_time
  WHERE (newest_first, device_id) > (?, ?) ORDER BY newest_first, device_id LIMIT ?`

/** What a list of tombstones begins after. */
const FIRST = { order: Number.MAX_SAFE_INTEGER, id: '' }

/** Records in a SQLite file, in one with the findings. */
export class SqliteModuleStore implements ModuleStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase`, which whoever opened it closes */
  static on(db: SqliteDatabase): SqliteModuleStore {
    return new SqliteModuleStore(db)
  }

  async find(deviceId: string): Promise<ModuleRecord | undefined> {
    const sql = 'SELECT document FROM module WHERE device_id = ?'
    const [row] = await this.#read(sql, [deviceId])
    return row && parse<ModuleRecord>(row[0])
  }

  async findMany(deviceIds: readonly string[]): Promise<ReadonlyMap<string, ModuleRecord>> {
    const rows = await this.#read(FIND_MANY, [JSON.stringify(deviceIds)])
    return new Map(rows.map(([id, document]) => [String(id), parse<ModuleRecord>(document)]))
  }

  async commit(changes: ModuleChanges): Promise<void> {
    const { records = [], removed = [], tombstones = [], forgotten = [] } = changes
    const statements: readonly Statement[] = [
      ...records.map((record) => ({
        sql: PUT_RECORD,
        params: [record.deviceId, record.state, record.dueMs, JSON.stringify(record)],
      })),
      ...removed.map((id) => ({ sql: 'DELETE FROM module WHERE device_id = ?', params: [id] })),
      ...tombstones.map((tombstone) => ({
        sql: PUT_TOMBSTONE,
        params: [tombstone.deviceId, tombstone.deletedMs, JSON.stringify(tombstone)],
      })),
      ...forgotten.map((id) => ({
        sql: 'DELETE FROM tombstone WHERE device_id = ?',
        params: [id],
      })),
    ]
    await this.#shown(() => this.#db.write(statements))
  }

  async list(filter: {
    readonly state?: ModuleState
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<ModuleRecord>> {
    const { state, limit, continuationToken: token } = filter
    checkLimit(limit)
    const after = token === undefined ? '' : parsePageToken('modules', token).id
    const rows =
      state === undefined
        ? await this.#read(LIST, [after, limit + 1], MAX_PAGE_CHARACTERS)
        : await this.#read(LIST_OF_STATE, [state, after, limit + 1], MAX_PAGE_CHARACTERS)
    return page<ModuleRecord>(rows, limit, ({ deviceId }) => {
      return formatPageToken('modules', { order: 0, id: deviceId })
    })
  }

  async deviceIds(limit: number, after = ''): Promise<readonly string[]> {
    const sql = 'SELECT device_id FROM module WHERE device_id > ? ORDER BY device_id LIMIT ?'
    const rows = await this.#read(sql, [after, limit])
    return rows.map(([id]) => String(id))
  }

  async due(nowMs: number, limit: number, after?: DuePlace): Promise<readonly DuePlace[]> {
    const { dueMs = 0, deviceId = '' } = after ?? {}
    const rows = await this.#read(DUE, [nowMs, dueMs, deviceId, limit])
    return rows.map(([id, ms]) => ({ deviceId: String(id), dueMs: Number(ms) }))
  }

  async counts(): Promise<StateCounts> {
    const rows = await this.#read('SELECT state, count FROM module_count', [])
    const counts = rows.map(([state, count]) => [String(state), Number(count)] as const)
    return { ...noModules(), ...Object.fromEntries(counts) }
  }

  async beginRun(): Promise<boolean> {
    const [before] = await this.#shown(() =>
      this.#db.write([
        { sql: 'SELECT has_ended FROM run', params: [] },
        { sql: 'UPDATE run SET has_ended = 0', params: [] },
      ]),
    )
    return Number(before?.rows[0]?.[0]) === 1
  }

  async endRun(): Promise<void> {
    await this.#shown(() => this.#db.write([{ sql: 'UPDATE run SET has_ended = 1', params: [] }]))
  }

  async findTombstone(deviceId: string): Promise<Tombstone | undefined> {
    const sql = 'SELECT document FROM tombstone WHERE device_id = ?'
    const [row] = await this.#read(sql, [deviceId])
    return row && parse<Tombstone>(row[0])
  }

  async listTombstones(filter: {
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<Tombstone>> {
    const { limit, continuationToken: token } = filter
    checkLimit(limit)
    const { order, id } = token === undefined ? FIRST : parsePageToken('tombstones', token)
    const rows = await this.#read(LIST_TOMBSTONES, [-order, id, limit + 1], MAX_PAGE_CHARACTERS)
    return page<Tombstone>(rows, limit, ({ deletedMs, deviceId }) => {
      return formatPageToken('tombstones', { order: deletedMs, id: deviceId })
    })
  }

  async expireTombstones(beforeMs: number): Promise<number> {
    const sql = 'DELETE FROM tombstone WHERE deleted_ms < ? RETURNING device_id'
    const [result] = await this.#shown(() => this.#db.write([{ sql, params: [beforeMs] }]))
    return result?.rows.length ?? 0
  }

  #read(sql: string, params: SqlRow, maxBytes?: number): Promise<readonly SqlRow[]> {
    return this.#shown(() => this.#db.read(sql, params, maxBytes))
  }

  /** What may be tried again later is said to the caller; the rest is a bug or a broken disk. */
  async #shown<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (cause) {
      if (!(cause instanceof StoreBusyError || cause instanceof StoreClosedError)) throw cause
      throw new HubError('ServiceUnavailable', 'The records cannot be reached now.', { cause })
    }
  }
}

function parse<T>(document: unknown): T {
  return JSON.parse(String(document)) as T
}

function page<T>(rows: readonly SqlRow[], limit: number, tokenOf: (last: T) => string): Page<T> {
  const { rows: own, hasMore } = cutPage(rows, limit)
  const items = own.map(([document]) => parse<T>(document))
  const last = items.at(-1)
  return { items, continuationToken: hasMore && last ? tokenOf(last) : null }
}
