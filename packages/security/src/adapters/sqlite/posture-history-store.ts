import type { SqliteDatabase, SqlRow } from '@twinward/sqlite'
import type { Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import {
  type DeviceScore,
  type GroupScore,
  MAX_HISTORY_DAYS,
  type PostureHistoryStore,
  type ScoreDay,
  type ScoreTotals,
} from '../../posture/history-store.ts'
import { cutPage } from './list.ts'

/** The name under which the whole fleet is added up. */
const FLEET = ''

const PUT = `INSERT INTO posture_score (device_id, day, score, group_name, weight, worst)
  VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (device_id) DO UPDATE SET
    day = excluded.day, score = excluded.score, group_name = excluded.group_name,
    weight = excluded.weight, worst = excluded.worst`
const PUT_DAY = `INSERT INTO posture_day VALUES (?, ?, ?)
  ON CONFLICT (device_id, day) DO UPDATE SET score = excluded.score`
const DROP_DAYS = 'DELETE FROM posture_day WHERE device_id = ? AND day <= ?'
const DROP_TOTALS = 'DELETE FROM posture_total_day WHERE name IN (?, ?) AND day <= ?'
const TOTALS = 'devices, weight, points, high, medium, low'

/** Scores in the file of the security service. */
export class SqlitePostureHistoryStore implements PostureHistoryStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase` */
  static on(db: SqliteDatabase): SqlitePostureHistoryStore {
    return new SqlitePostureHistoryStore(db)
  }

  async find(deviceId: string): Promise<DeviceScore | undefined> {
    const sql = 'SELECT score, group_name, weight, worst FROM posture_score WHERE device_id = ?'
    const [row] = await this.#db.read(sql, [deviceId])
    if (row === undefined) return undefined
    const [score, group, weight, worst] = row
    return {
      ...{ deviceId, score: Number(score), group: String(group), weight: Number(weight) },
      worst: worst as DeviceScore['worst'],
    }
  }

  async record(device: DeviceScore, day: number): Promise<void> {
    const { deviceId, score, group, weight, worst } = device
    const goneDay = day - MAX_HISTORY_DAYS
    await this.#db.write([
      { sql: PUT, params: [deviceId, day, score, group, weight, worst] },
      { sql: PUT_DAY, params: [deviceId, day, score] },
      { sql: DROP_DAYS, params: [deviceId, goneDay] },
      { sql: DROP_TOTALS, params: [FLEET, group, goneDay] },
    ])
  }

  async remove(deviceId: string, day: number): Promise<void> {
    await this.#db.write([
      // The totals of the day on which it goes are noted under the day of its row.
      { sql: 'UPDATE posture_score SET day = ? WHERE device_id = ?', params: [day, deviceId] },
      { sql: 'DELETE FROM posture_score WHERE device_id = ?', params: [deviceId] },
    ])
  }

  async totals(group?: string): Promise<ScoreTotals> {
    const sql = `SELECT ${TOTALS} FROM posture_total WHERE name = ?`
    const [row] = await this.#db.read(sql, [group ?? FLEET])
    return parseTotals(row ?? [0, 0, 0, 0, 0, 0])
  }

  async groups({
    limit,
    continuationToken: token,
  }: Parameters<PostureHistoryStore['groups']>[0]): Promise<Page<GroupScore>> {
    checkLimit(limit)
    const after = token === undefined ? FLEET : parsePageToken('group-scores', token).id
    const sql = `SELECT name, ${TOTALS} FROM posture_total WHERE name > ? ORDER BY name LIMIT ?`
    const { rows, hasMore } = cutPage(await this.#db.read(sql, [after, limit + 1]), limit)
    const items = rows.map(([name, ...totals]) => ({ group: String(name), ...parseTotals(totals) }))
    const id = items.at(-1)?.group ?? ''
    const next = hasMore ? formatPageToken('group-scores', { order: 0, id }) : null
    return { items, continuationToken: next }
  }

  async days(group: string | undefined, fromDay: number): Promise<readonly ScoreDay[]> {
    const name = group ?? FLEET
    const sql = `SELECT day, ${TOTALS} FROM posture_total_day WHERE name = ? AND day >=
      coalesce((SELECT max(day) FROM posture_total_day WHERE name = ? AND day < ?), 0)
      ORDER BY day LIMIT ?`
    const rows = await this.#db.read(sql, [name, name, fromDay, MAX_HISTORY_DAYS + 1])
    return rows.map(([day, ...totals]) => ({ day: Number(day), ...parseTotals(totals) }))
  }

  async deviceDays(deviceId: string, fromDay: number) {
    const sql = `SELECT day, score FROM posture_day WHERE device_id = ? AND day >=
      coalesce((SELECT max(day) FROM posture_day WHERE device_id = ? AND day < ?), 0)
      ORDER BY day LIMIT ?`
    const rows = await this.#db.read(sql, [deviceId, deviceId, fromDay, MAX_HISTORY_DAYS + 1])
    return rows.map(([day, score]) => ({ day: Number(day), score: Number(score) }))
  }
}

function parseTotals(row: SqlRow): ScoreTotals {
  const [devices = 0, weight = 0, points = 0, high = 0, medium = 0, low = 0] = row.map(Number)
  return { devices, score: weight === 0 ? null : points / weight, high, medium, low }
}
