import type { SqliteDatabase, SqlRow, Statement } from '@twinward/sqlite'
import {
  type HeldBack,
  type HeldBackReason,
  type LearnedCount,
  type LearnedValue,
  MAX_LEARNED_LISTED,
  MAX_LEARNED_PER_DEVICE,
  MAX_LEARNED_PER_RULE,
  type NoiseReader,
} from '../../data/noise.ts'

const COUNT = `INSERT INTO held_back (reason, alert_type, by_id, count, last_ms, last_device)
  VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (by_id, reason, alert_type) DO UPDATE SET count = count + excluded.count,
    last_device = iif(excluded.last_ms >= last_ms, excluded.last_device, last_device),
    last_ms = max(excluded.last_ms, last_ms)`

export function countHeldBack(one: HeldBack): Statement {
  const { reason, alertType, by, count, lastMs, lastDeviceId } = one
  return { sql: COUNT, params: [reason, alertType, by, count, lastMs, lastDeviceId] }
}

const SAME_VALUE = 'group_name = ? AND alert_type = ? AND name = ? AND value = ?'

/** Devices are as many as they are; only what they can choose themselves is limited. */
const LEARN = `INSERT INTO learned (group_name, alert_type, name, value, device_id)
  SELECT ?, ?, ?, ?, ? WHERE
    (SELECT count(*) FROM learned INDEXED BY learned_by_device
      WHERE device_id = ? AND group_name = ? AND alert_type = ?) < ?
    AND (EXISTS (SELECT 1 FROM learned WHERE ${SAME_VALUE})
      OR coalesce((SELECT count FROM learned_count
        WHERE group_name = ? AND alert_type = ?), 0) < ?)
  ON CONFLICT DO NOTHING`

export function learn({ group, alertType, name, value, deviceId }: LearnedValue): Statement {
  const isMember = alertType === ''
  const ofDevice = isMember ? Number.MAX_SAFE_INTEGER : MAX_LEARNED_PER_DEVICE
  const ofRule = isMember ? Number.MAX_SAFE_INTEGER : MAX_LEARNED_PER_RULE
  const seen = [group, alertType, name, value]
  return {
    sql: LEARN,
    params: [
      ...[...seen, deviceId],
      ...[deviceId, group, alertType, ofDevice],
      ...[...seen, group, alertType, ofRule],
    ],
  }
}

/** What was held back and learned, in the file of the security service. */
export class SqliteNoise implements NoiseReader {
  readonly #db: SqliteDatabase

  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async heldBack(): Promise<readonly HeldBack[]> {
    const sql = `SELECT reason, alert_type, by_id, count, last_ms, last_device FROM held_back
      ORDER BY by_id, reason, alert_type`
    return (await this.#db.read(sql, [])).map(heldBackOf)
  }

  async forgetHeldBack(by: string): Promise<void> {
    await this.#db.write([{ sql: 'DELETE FROM held_back WHERE by_id = ?', params: [by] }])
  }

  async learned(group: string, minDevices: (devices: number) => number) {
    const devices = await this.#db.read(DEVICES, [group])
    const count = Number(devices[0]?.[0] ?? 0)
    const rows = await this.#db.read(VALUES, [group, minDevices(count), MAX_LEARNED_LISTED])
    return { devices: count, values: rows.map(learnedOf) }
  }
}

const DEVICES = "SELECT count FROM learned_count WHERE group_name = ? AND alert_type = ''"

const VALUES = `SELECT alert_type, name, value, count(*) AS devices FROM learned
  WHERE group_name = ? AND alert_type <> '' GROUP BY alert_type, name, value
  HAVING devices >= ? ORDER BY devices DESC, alert_type, name, value LIMIT ?`

function heldBackOf([reason, alertType, by, count, lastMs, device]: SqlRow): HeldBack {
  return {
    reason: String(reason) as HeldBackReason,
    alertType: String(alertType),
    by: String(by),
    count: Number(count),
    lastMs: Number(lastMs),
    lastDeviceId: String(device),
  }
}

function learnedOf([alertType, name, value, devices]: SqlRow): LearnedCount {
  return {
    alertType: String(alertType),
    name: String(name),
    value: String(value),
    devices: Number(devices),
  }
}
