import type { SqliteDatabase, Statement } from '@twinward/sqlite'
import type { ActivityChanges, ActivityReader } from '../../activity/activity-state.ts'
import type { DeviceWindows, OpenWindow } from '../../activity/windows.ts'

const PUT_WINDOWS = `INSERT INTO device_windows (device_id, windows) VALUES (?, ?)
  ON CONFLICT (device_id) DO UPDATE SET windows = excluded.windows`
const MOVE = 'UPDATE hub_events SET sequence = ? WHERE sequence < ?'
const LIST = `SELECT device_id, windows FROM device_windows
  WHERE device_id > ? ORDER BY device_id LIMIT ?`

/** The statements of one unit that stores what was counted. */
export function activityStatements(changes: ActivityChanges): readonly Statement[] {
  const { eventSequence, windows = [] } = changes
  const moved = { sql: MOVE, params: [eventSequence ?? 0, eventSequence ?? 0] }
  return [...windows.map(putWindows), ...(eventSequence === undefined ? [] : [moved])]
}

export function removeWindows(deviceId: string): Statement {
  return { sql: 'DELETE FROM device_windows WHERE device_id = ?', params: [deviceId] }
}

/** What was counted at the hub, in the file of the security service. */
export class SqliteActivity implements ActivityReader {
  readonly #db: SqliteDatabase

  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async eventSequence(): Promise<number> {
    const [row] = await this.#db.read('SELECT sequence FROM hub_events', [])
    return Number(row?.[0] ?? 0)
  }

  async windows(limit: number, after = ''): Promise<readonly DeviceWindows[]> {
    const rows = await this.#db.read(LIST, [after, limit])
    return rows.map(([deviceId, windows]) => ({
      deviceId: String(deviceId),
      open: JSON.parse(String(windows)) as readonly OpenWindow[],
    }))
  }
}

function putWindows({ deviceId, open }: DeviceWindows): Statement {
  if (open.length === 0) return removeWindows(deviceId)
  return { sql: PUT_WINDOWS, params: [deviceId, JSON.stringify(open)] }
}
