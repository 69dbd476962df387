import { type DeviceRef, HubError } from '@twinward/protocol'
import {
  type SqliteDatabase,
  type SqlRow,
  type Statement,
  StoreBusyError,
  StoreClosedError,
} from '@twinward/sqlite'
import {
  type ConfigurationRecord,
  type ConfigurationStore,
  type HistoryEntry,
  type HistoryFilter,
  type Layer,
  MAX_EXPIRED_ENTRIES,
  MAX_HISTORY_ENTRIES,
  MAX_LAYERS,
  type Rollout,
  type StoredHistoryEntry,
} from '../../configuration/configuration-store.ts'
import { isEmptyLayer } from '../../configuration/layers.ts'
import { deviceSubject, subjectOf, subjectOfFilter } from '../../configuration/subject.ts'
import { MAX_PAGE_CHARACTERS } from '../../data/finding-limits.ts'
import type { Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import { cutPage } from './list.ts'

/** The hub's layer among those of groups. */
const HUB = ''

/** Layers, records and history in the file of the security service. */
export class SqliteConfigurationStore implements ConfigurationStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase`, which others may use beside it, and close */
  static on(db: SqliteDatabase): SqliteConfigurationStore {
    return new SqliteConfigurationStore(db)
  }

  async layers(): Promise<readonly Layer[]> {
    const sql = 'SELECT document FROM configuration_layer ORDER BY group_name LIMIT ?'
    const rows = await this.#read({ sql, params: [MAX_LAYERS + 1] })
    return rows.map((row) => parse<Layer>(row))
  }

  async saveLayer(layer: Layer, entry: HistoryEntry): Promise<void> {
    const name = layer.group ?? HUB
    const [saved] = await this.#write([
      isEmptyLayer(layer) ? removeLayer(name) : putLayer(name, layer),
      // Without the layer nothing else may happen either.
      ...guarded(isEmptyLayer(layer) ? undefined : name, entry),
    ])
    if (saved?.changes === 0 && !isEmptyLayer(layer)) {
      throw new HubError('IotHubQuotaExceeded', `${MAX_LAYERS} groups have settings already.`)
    }
  }

  async findRecord({
    deviceId,
    moduleId,
  }: Required<DeviceRef>): Promise<ConfigurationRecord | undefined> {
    const sql = 'SELECT document FROM configuration_record WHERE device_id = ? AND module_id = ?'
    const [row] = await this.#read({ sql, params: [deviceId, moduleId] })
    return row && parse<ConfigurationRecord>(row)
  }

  async saveRecord(record: ConfigurationRecord, entries: readonly HistoryEntry[]): Promise<void> {
    const { deviceId, moduleId } = record.ref
    await this.#write([
      {
        sql: `INSERT INTO configuration_record VALUES (?, ?, ?)
          ON CONFLICT (device_id, module_id) DO UPDATE SET document = excluded.document`,
        params: [deviceId, moduleId, JSON.stringify(record)],
      },
      ...entries.flatMap((entry) => [append(entry), trim(entry)]),
    ])
  }

  async removeDevice(deviceId: string): Promise<void> {
    await this.#write([
      { sql: 'DELETE FROM configuration_record WHERE device_id = ?', params: [deviceId] },
      {
        sql: 'DELETE FROM configuration_history WHERE subject = ?',
        params: [deviceSubject(deviceId)],
      },
    ])
  }

  async rollout(): Promise<Rollout> {
    const sql = 'SELECT generation, after, is_done FROM configuration_rollout'
    const [row = []] = await this.#read({ sql, params: [] })
    return { generation: Number(row[0]), after: String(row[1]), isDone: Number(row[2]) === 1 }
  }

  async advanceRollout({ generation, after, isDone }: Rollout): Promise<void> {
    const sql = 'UPDATE configuration_rollout SET after = ?, is_done = ? WHERE generation = ?'
    await this.#write([{ sql, params: [after, isDone ? 1 : 0, generation] }])
  }

  async listHistory(filter: HistoryFilter): Promise<Page<StoredHistoryEntry>> {
    const { limit } = filter
    const rows = await this.#read(historyQuery(filter), MAX_PAGE_CHARACTERS)
    const page = cutPage(rows, limit)
    const items = page.rows.map(
      (row): StoredHistoryEntry => ({ ...parse<HistoryEntry>(row), id: Number(row[1]) }),
    )
    const last = page.hasMore ? items.at(-1) : undefined
    return {
      items,
      continuationToken: last
        ? formatPageToken('configurations', { order: last.id, id: '' })
        : null,
    }
  }

  async expireHistory(beforeMs: number): Promise<number> {
    const sql = `DELETE FROM configuration_history WHERE id IN
      (SELECT id FROM configuration_history WHERE time_ms < ? ORDER BY time_ms LIMIT ?)`
    const [result] = await this.#write([{ sql, params: [beforeMs, MAX_EXPIRED_ENTRIES] }])
    return result?.changes ?? 0
  }

  async #read({ sql, params }: Statement, maxBytes?: number): Promise<readonly SqlRow[]> {
    try {
      return await this.#db.read(sql, params, maxBytes)
    } catch (error) {
      throw shown(error)
    }
  }

  async #write(statements: readonly Statement[]) {
    try {
      return await this.#db.write(statements)
    } catch (error) {
      throw shown(error)
    }
  }
}

function removeLayer(name: string): Statement {
  return { sql: 'DELETE FROM configuration_layer WHERE group_name = ?', params: [name] }
}

/** Changes nothing when it would be one layer too many. */
function putLayer(name: string, layer: Layer): Statement {
  return {
    sql: `INSERT INTO configuration_layer SELECT ?, ?
      WHERE ? = '' OR EXISTS (SELECT 1 FROM configuration_layer WHERE group_name = ?)
        OR (SELECT count(*) FROM configuration_layer WHERE group_name <> '') < ?
      ON CONFLICT (group_name) DO UPDATE SET document = excluded.document`,
    params: [name, JSON.stringify(layer), name, name, MAX_LAYERS],
  }
}

/** The entry and a new rollout, if the layer `name` is there. */
function guarded(name: string | undefined, entry: HistoryEntry): readonly Statement[] {
  const condition = 'EXISTS (SELECT 1 FROM configuration_layer WHERE group_name = ?) OR ? IS NULL'
  const params = [name ?? null, name ?? null]
  const { layer, timeMs } = entry
  return [
    {
      sql: `INSERT INTO configuration_history (subject, layer, time_ms, document)
        SELECT ?, ?, ?, ? WHERE ${condition}`,
      params: [subjectOf(entry), layer, timeMs, JSON.stringify(entry), ...params],
    },
    trim(entry),
    {
      sql: `UPDATE configuration_rollout SET generation = generation + 1, after = '', is_done = 0
        WHERE ${condition}`,
      params,
    },
  ]
}

function append(entry: HistoryEntry): Statement {
  return {
    sql: `INSERT INTO configuration_history (subject, layer, time_ms, document)
      VALUES (?, ?, ?, ?)`,
    params: [subjectOf(entry), entry.layer, entry.timeMs, JSON.stringify(entry)],
  }
}

function trim(entry: HistoryEntry): Statement {
  const subject = subjectOf(entry)
  return {
    sql: `DELETE FROM configuration_history WHERE subject = ? AND id <=
      (SELECT id FROM configuration_history WHERE subject = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
    params: [subject, subject, MAX_HISTORY_ENTRIES],
  }
}

/** One row more than the page: the document and its number. */
function historyQuery(filter: HistoryFilter): Statement {
  const { layer, limit, continuationToken } = filter
  checkLimit(limit)
  const before =
    continuationToken === undefined
      ? Number.MAX_SAFE_INTEGER
      : parsePageToken('configurations', continuationToken).order
  const subject = subjectOfFilter(filter)
  const conditions = [
    ...(subject === undefined ? [] : ['subject = ?']),
    ...(layer === undefined ? [] : ['layer = ?']),
    'id < ?',
  ].join(' AND ')
  return {
    sql: `SELECT document, id FROM configuration_history
      WHERE ${conditions} ORDER BY id DESC LIMIT ?`,
    params: [
      ...(subject === undefined ? [] : [subject]),
      ...(layer === undefined ? [] : [layer]),
      ...[before, limit + 1],
    ],
  }
}

function parse<T>([document]: SqlRow): T {
  return JSON.parse(String(document)) as T
}

/** What may be tried again later is said to the caller; the rest is a bug or a broken disk. */
function shown(error: unknown): unknown {
  if (error instanceof StoreBusyError || error instanceof StoreClosedError) {
    return new HubError('ServiceUnavailable', 'The configurations cannot be reached now.', {
      cause: error,
    })
  }
  return error
}
