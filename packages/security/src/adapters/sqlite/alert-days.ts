import type { SqliteDatabase, SqlRow } from '@twinward/sqlite'
import {
  type AlertDayCount,
  type AlertDayDevice,
  type AlertDayReader,
  MAX_DAY_COUNTS,
} from '../../data/alert-days.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import type { AlertStatus, Severity } from '../../detection/alert.ts'

/** Counts of alerts by day, which triggers keep, and devices by an index. */
export class SqliteAlertDays implements AlertDayReader {
  readonly #db: SqliteDatabase

  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async counts({ fromDay, toDay, alertType }: Parameters<AlertDayReader['counts']>[0]) {
    const ofType = alertType === undefined ? '' : 'AND alert_type = ?'
    const sql = `SELECT day, alert_type, severity, status, count FROM alert_day
      WHERE day BETWEEN ? AND ? ${ofType}
      ORDER BY day DESC, alert_type, severity, status LIMIT ?`
    const type = alertType === undefined ? [] : [alertType]
    const rows = await this.#db.read(sql, [fromDay, toDay, ...type, MAX_DAY_COUNTS])
    return rows.map(countOf)
  }

  async devices(filter: Parameters<AlertDayReader['devices']>[0]) {
    const { alertType, day, limit, continuationToken: token } = filter
    checkLimit(limit)
    const after = token === undefined ? '' : parsePageToken('alertDevices', token).id
    const sql = `SELECT device_id, count(*), sum(is_open), max(end_ms)
      FROM alert INDEXED BY alert_by_day WHERE alert_type = ? AND day = ? AND device_id > ?
      GROUP BY device_id ORDER BY device_id LIMIT ?`
    const rows = await this.#db.read(sql, [alertType, day, after, limit + 1])
    const items = rows.slice(0, limit).map(deviceOf)
    const last = items.at(-1)
    const next =
      last && rows.length > limit
        ? formatPageToken('alertDevices', { order: 0, id: last.deviceId })
        : null
    return { items, continuationToken: next }
  }
}

function countOf([day, alertType, severity, status, count]: SqlRow): AlertDayCount {
  return {
    day: Number(day),
    alertType: String(alertType),
    severity: String(severity) as Severity,
    status: String(status) as AlertStatus,
    count: Number(count),
  }
}

function deviceOf([deviceId, alerts, open, lastMs]: SqlRow): AlertDayDevice {
  return {
    deviceId: String(deviceId),
    alerts: Number(alerts),
    open: Number(open),
    lastMs: Number(lastMs),
  }
}
