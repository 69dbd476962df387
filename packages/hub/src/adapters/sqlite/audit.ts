import type { SqliteDatabase, SqlRow, Statement } from '@twinward/sqlite'
import type { AuditEvent } from '../../activity/audit-event.ts'
import {
  type AuditFilter,
  type AuditLimits,
  type AuditStore,
  isNoted,
  type NewAuditEvent,
} from '../../activity/audit-store.ts'

const INSERT = `INSERT INTO audit_event (kind, device_id, is_noted, last_ms, event)
  VALUES (?, ?, ?, ?, ?)`
const READ = 'SELECT sequence, event FROM audit_event WHERE sequence > ? ORDER BY sequence LIMIT ?'
const DROP_OLD = 'DELETE FROM audit_event WHERE last_ms < ?'
/** All but the newest. */
const DROP_OLDEST = `DELETE FROM audit_event WHERE is_noted = ? AND sequence <= (
  SELECT sequence FROM audit_event INDEXED BY audit_event_noted
  WHERE is_noted = ? ORDER BY sequence DESC LIMIT 1 OFFSET ?)`

/** The audit log in table `audit_event`. */
export class SqliteAudit implements AuditStore {
  readonly #db: SqliteDatabase

  /** @param db  of `openHubDatabase`, which others may use beside it */
  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async append(events: readonly NewAuditEvent[]): Promise<void> {
    await this.#db.write(events.map(insert))
  }

  async read(after: number, limit: number): Promise<readonly AuditEvent[]> {
    return (await this.#db.read(READ, [after, limit])).map(toEvent)
  }

  async list(filter: AuditFilter): Promise<readonly AuditEvent[]> {
    const { sql, params } = listStatement(filter)
    return (await this.#db.read(sql, params)).map(toEvent)
  }

  async trim({ maxNoted, maxRecorded, beforeMs }: AuditLimits): Promise<void> {
    await this.#db.write([
      { sql: DROP_OLD, params: [beforeMs] },
      { sql: DROP_OLDEST, params: [1, 1, maxNoted] },
      { sql: DROP_OLDEST, params: [0, 0, maxRecorded] },
    ])
  }
}

function insert(event: NewAuditEvent): Statement {
  const deviceId = event.ref?.deviceId ?? null
  const params = [event.kind, deviceId, isNoted(event) ? 1 : 0, event.lastMs, JSON.stringify(event)]
  return { sql: INSERT, params }
}

function listStatement({ kind, deviceId, before, limit }: AuditFilter): Statement {
  const conditions = [
    ...(kind === undefined ? [] : [{ sql: 'kind = ?', value: kind }]),
    ...(deviceId === undefined ? [] : [{ sql: 'device_id = ?', value: deviceId }]),
    ...(before === undefined ? [] : [{ sql: 'sequence < ?', value: before }]),
  ]
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.map((c) => c.sql).join(' AND ')}`
  return {
    sql: `SELECT sequence, event FROM audit_event ${where} ORDER BY sequence DESC LIMIT ?`,
    params: [...conditions.map(({ value }) => value), limit],
  }
}

function toEvent([sequence, event]: SqlRow): AuditEvent {
  return { ...(JSON.parse(String(event)) as NewAuditEvent), sequence: Number(sequence) }
}
