import { HubError } from '@twinward/protocol'
import {
  type SqliteDatabase,
  type SqliteOptions,
  type SqlRow,
  type Statement,
  StoreBusyError,
  StoreClosedError,
} from '@twinward/sqlite'
import { MAX_PAGE_CHARACTERS } from '../../data/finding-limits.ts'
import type {
  AlertFilter,
  DeviceMemory,
  FindingBatch,
  FindingStore,
  FindingSummary,
  Page,
  Prevalence,
  RecommendationCount,
  RecommendationFilter,
  StoredRejection,
} from '../../data/finding-store.ts'
import { checkLimit, formatPageToken } from '../../data/page-token.ts'
import type { Alert, Severity } from '../../detection/alert.ts'
import { THE_HUB } from '../../detection/hub/hub-record.ts'
import type { FindingChange } from '../../findings/finding-change.ts'
import type { Rejection } from '../../ingestion/record.ts'
import type { DuePlace } from '../../modules/module-store.ts'
import type { AgentState } from '../../posture/agent-state.ts'
import type { Recommendation } from '../../recommendations/recommendation.ts'
import { SqliteActivity } from './activity.ts'
import { SqliteAlertDays } from './alert-days.ts'
import { SqliteBaselines } from './baselines.ts'
import { commitStatements, removeStatements } from './commit.ts'
import { alertsQuery, cutPage, recommendationsQuery, rejectionsQuery } from './list.ts'
import { SqliteNoise } from './noise.ts'
import { parsePrevalence, prevalenceQueries } from './prevalence.ts'
import { openSecurityDatabase } from './security-database.ts'

/** Findings in a SQLite file of their own; one process has it open at a time. */
export class SqliteFindingStore implements FindingStore {
  readonly #db: SqliteDatabase
  readonly activity: SqliteActivity
  readonly noise: SqliteNoise
  readonly days: SqliteAlertDays
  readonly baselines: SqliteBaselines

  private constructor(db: SqliteDatabase) {
    this.#db = db
    this.activity = new SqliteActivity(db)
    this.noise = new SqliteNoise(db)
    this.days = new SqliteAlertDays(db)
    this.baselines = new SqliteBaselines(db)
  }

  /** A store with a file of its own. @throws as `openSecurityDatabase` */
  static async open(options: Omit<SqliteOptions, 'migrations'>): Promise<SqliteFindingStore> {
    return SqliteFindingStore.on(await openSecurityDatabase(options))
  }

  /** @param db  of `openSecurityDatabase`, which others may use beside it */
  static on(db: SqliteDatabase): SqliteFindingStore {
    return new SqliteFindingStore(db)
  }

  async cursor(): Promise<number> {
    const [row] = await this.#read({ sql: 'SELECT sequence FROM cursor', params: [] })
    return Number(row?.[0])
  }

  async commit(batch: FindingBatch): Promise<void> {
    await this.#write(commitStatements(batch))
  }

  async findAlert(id: string): Promise<Alert | undefined> {
    return this.#find<Alert>('SELECT document FROM alert WHERE id = ?', id)
  }

  async findAlertByKey(dedupeKey: string): Promise<Alert | undefined> {
    const sql = `SELECT document FROM alert INDEXED BY alert_by_key WHERE dedupe_key = ?
      ORDER BY newest_first, id LIMIT 1`
    return this.#find<Alert>(sql, dedupeKey)
  }

  async listAlerts(filter: AlertFilter): Promise<Page<Alert>> {
    const { items, last } = await this.#list(alertsQuery(filter), filter.limit, parse<Alert>)
    const continuationToken =
      last && formatPageToken('alerts', { order: last.endTimeMs, id: last.id })
    return { items, continuationToken: continuationToken ?? null }
  }

  async openAlerts(deviceId: string, limit: number): Promise<readonly Alert[]> {
    checkLimit(limit)
    const sql = `SELECT document FROM alert INDEXED BY alert_open
      WHERE device_id = ? AND is_open = 1 ORDER BY newest_first, id LIMIT ?`
    const rows = await this.#read({ sql, params: [deviceId, limit] })
    return rows.map(parse<Alert>)
  }

  async findRecommendation(id: string): Promise<Recommendation | undefined> {
    return this.#find<Recommendation>('SELECT document FROM recommendation WHERE id = ?', id)
  }

  async listRecommendations(filter: RecommendationFilter): Promise<Page<Recommendation>> {
    const query = recommendationsQuery(filter)
    const { items, last } = await this.#list(query, filter.limit, parse<Recommendation>)
    const continuationToken =
      last && formatPageToken('recommendations', { order: last.stateChangedMs, id: last.id })
    return { items, continuationToken: continuationToken ?? null }
  }

  async findAgent(deviceId: string): Promise<AgentState | undefined> {
    return this.#find<AgentState>('SELECT document FROM agent WHERE device_id = ?', deviceId)
  }

  async agentsByLastMessage({
    after,
    throughMs,
    limit,
  }: Parameters<FindingStore['agentsByLastMessage']>[0]): Promise<readonly AgentState[]> {
    checkLimit(limit)
    const sql = `SELECT document FROM agent
      WHERE (last_ms, device_id) > (?, ?) AND last_ms <= ? ORDER BY last_ms, device_id LIMIT ?`
    const params = [after.lastMessageMs, after.deviceId, throughMs, limit]
    const rows = await this.#read({ sql, params })
    return rows.map((row) => parse<AgentState>(row))
  }

  async findMemory(deviceId: string): Promise<DeviceMemory | undefined> {
    return this.#find<DeviceMemory>('SELECT document FROM memory WHERE device_id = ?', deviceId)
  }

  async dueMemories(nowMs: number, limit: number, after?: DuePlace): Promise<readonly DuePlace[]> {
    checkLimit(limit)
    const { dueMs, deviceId } = after ?? { dueMs: 0, deviceId: '' }
    const sql = `SELECT device_id, due_ms FROM memory INDEXED BY memory_due
      WHERE due_ms > 0 AND (due_ms, device_id) > (?, ?) AND due_ms <= ?
      ORDER BY due_ms, device_id LIMIT ?`
    const rows = await this.#read({ sql, params: [dueMs, deviceId, nowMs, limit] })
    return rows.map(([id, due]) => ({ deviceId: String(id), dueMs: Number(due) }))
  }

  async recommendationCounts(): Promise<readonly RecommendationCount[]> {
    const sql = `SELECT recommendation_type, state, severity, count FROM recommendation_tally
      ORDER BY recommendation_type, state, severity`
    const rows = await this.#read({ sql, params: [] })
    return rows.map(([recommendationType, state, severity, count]) => ({
      recommendationType: String(recommendationType),
      state: state as RecommendationCount['state'],
      severity: severity as RecommendationCount['severity'],
      count: Number(count),
    }))
  }

  async listRejections(filter: {
    deviceId?: string
    limit: number
    continuationToken?: string
  }): Promise<Page<StoredRejection>> {
    const query = rejectionsQuery(filter)
    const { items, last } = await this.#list(query, filter.limit, parseRejection)
    const continuationToken = last && formatPageToken('rejections', { order: last.id, id: '' })
    return { items, continuationToken: continuationToken ?? null }
  }

  async summary(): Promise<FindingSummary> {
    const rows = await this.#read({ sql: 'SELECT name, count FROM tally', params: [] })
    const counts = new Map(rows.map(([name, count]) => [String(name), Number(count)]))
    // The hub counts among the devices there, but is none.
    const ofTheHub = await this.openAlerts(THE_HUB, 1)
    const bySeverity = (what: string) => ({
      Informational: counts.get(`${what} Informational`) ?? 0,
      Low: counts.get(`${what} Low`) ?? 0,
      Medium: counts.get(`${what} Medium`) ?? 0,
      High: counts.get(`${what} High`) ?? 0,
    })
    return {
      openAlerts: bySeverity('open'),
      activeRecommendations: bySeverity('active'),
      devicesWithOpenAlerts: (counts.get('devices') ?? 0) - ofTheHub.length,
    }
  }

  async prevalence(limit: number): Promise<Prevalence> {
    checkLimit(limit)
    const [devices, alerts, recommendations] = prevalenceQueries(limit)
    return parsePrevalence(
      await this.#read(devices),
      await this.#read(alerts),
      await this.#read(recommendations),
    )
  }

  async changesAfter(sequence: number, limit: number): Promise<readonly FindingChange[]> {
    checkLimit(limit)
    const sql = `SELECT sequence, is_alert, status, severity, count, document FROM finding_change
      WHERE sequence > ? ORDER BY sequence LIMIT ?`
    const rows = await this.#read({ sql, params: [sequence, limit] }, MAX_PAGE_CHARACTERS)
    return rows.map(parseChange)
  }

  async lastChange(): Promise<number> {
    const sql = "SELECT seq FROM sqlite_sequence WHERE name = 'finding_change'"
    const [row] = await this.#read({ sql, params: [] })
    return Number(row?.[0] ?? 0)
  }

  async expireAlerts(beforeMs: number, limit: number): Promise<number> {
    const sql = `SELECT id FROM alert INDEXED BY alert_closed
      WHERE is_open = 0 AND end_ms < ? ORDER BY end_ms LIMIT ?`
    const rows = await this.#read({ sql, params: [beforeMs, limit] })
    // Again with the conditions: a person may have opened one again meanwhile.
    const remove = 'DELETE FROM alert WHERE id = ? AND is_open = 0 AND end_ms < ?'
    const statements = rows.map(([id]) => ({ sql: remove, params: [String(id), beforeMs] }))
    if (statements.length > 0) await this.#write(statements)
    return statements.length
  }

  async expireRecommendations(beforeMs: number, limit: number): Promise<number> {
    const sql = `SELECT id FROM recommendation INDEXED BY recommendation_removed
      WHERE removed_ms < ? ORDER BY removed_ms LIMIT ?`
    const rows = await this.#read({ sql, params: [beforeMs, limit] })
    const remove = 'DELETE FROM recommendation WHERE id = ?'
    const statements = rows.map(([id]) => ({ sql: remove, params: [String(id)] }))
    if (statements.length > 0) await this.#write(statements)
    return statements.length
  }

  async removeDevice(deviceId: string): Promise<void> {
    await this.#write(removeStatements(deviceId))
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  async #find<T>(sql: string, key: string): Promise<T | undefined> {
    const [row] = await this.#read({ sql, params: [key] })
    return row && parse<T>(row)
  }

  /** @returns the page's items, and the last of them when there are more behind it */
  async #list<T>(query: Statement, limit: number, read: (row: SqlRow) => T) {
    const { rows, hasMore } = cutPage(await this.#read(query, MAX_PAGE_CHARACTERS), limit)
    const items = rows.map(read)
    return { items, last: hasMore ? items.at(-1) : undefined }
  }

  async #read({ sql, params }: Statement, maxBytes?: number): Promise<readonly SqlRow[]> {
    try {
      return await this.#db.read(sql, params, maxBytes)
    } catch (error) {
      throw shown(error)
    }
  }

  async #write(statements: readonly Statement[]): Promise<void> {
    try {
      await this.#db.write(statements)
    } catch (error) {
      throw shown(error)
    }
  }
}

function parse<T>([document]: SqlRow): T {
  return JSON.parse(String(document)) as T
}

function parseRejection(row: SqlRow): StoredRejection {
  return { ...parse<Rejection>(row), id: Number(row[1]) }
}

function parseChange([
  sequence,
  isAlert,
  status,
  severity,
  count,
  document,
]: SqlRow): FindingChange {
  const finding = JSON.parse(String(document))
  const before =
    status === null
      ? {}
      : { before: { status: String(status), severity: severity as Severity, count: Number(count) } }
  const place = { sequence: Number(sequence), ...before }
  return isAlert ? { ...place, alert: finding } : { ...place, recommendation: finding }
}

/** What may be tried again later is said to the caller; the rest is a bug or a broken disk. */
function shown(error: unknown): unknown {
  if (error instanceof StoreBusyError || error instanceof StoreClosedError) {
    return new HubError('ServiceUnavailable', 'The findings cannot be reached now.', {
      cause: error,
    })
  }
  return error
}
