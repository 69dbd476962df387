import type { AlertDayCount, AlertDayDevice, AlertDayReader } from '../../data/alert-days.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import type { Alert } from '../../detection/alert.ts'

const DAY_MS = 24 * 3_600_000

/** Counts of alerts by day, made from all of them each time. */
export class MemoryAlertDays implements AlertDayReader {
  readonly #all: () => readonly Alert[]

  constructor(all: () => readonly Alert[]) {
    this.#all = all
  }

  async counts({ fromDay, toDay, alertType }: Parameters<AlertDayReader['counts']>[0]) {
    const counts = new Map<string, AlertDayCount>()
    for (const alert of this.#all()) {
      const day = dayOf(alert)
      if (day < fromDay || day > toDay) continue
      if (alertType !== undefined && alertType !== alert.alertType) continue
      const { severity, status } = alert
      const key = JSON.stringify([alert.alertType, severity, status, day])
      const { count = 0 } = counts.get(key) ?? {}
      counts.set(key, { day, alertType: alert.alertType, severity, status, count: count + 1 })
    }
    return [...counts]
      .sort(([a, one], [b, other]) => other.day - one.day || (a < b ? -1 : 1))
      .map(([, each]) => each)
  }

  async devices(filter: Parameters<AlertDayReader['devices']>[0]) {
    const { alertType, day, limit, continuationToken: token } = filter
    checkLimit(limit)
    const after = token === undefined ? '' : parsePageToken('alertDevices', token).id
    const devices = new Map<string, AlertDayDevice>()
    for (const alert of this.#all()) {
      if (alert.alertType !== alertType || dayOf(alert) !== day || alert.deviceId <= after) continue
      const known = devices.get(alert.deviceId)
      const isOpen = alert.status === 'Active' || alert.status === 'InProgress'
      devices.set(alert.deviceId, {
        deviceId: alert.deviceId,
        alerts: (known?.alerts ?? 0) + 1,
        open: (known?.open ?? 0) + (isOpen ? 1 : 0),
        lastMs: Math.max(known?.lastMs ?? 0, alert.endTimeMs),
      })
    }
    const found = [...devices.values()].sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1))
    const items = found.slice(0, limit)
    const last = items.at(-1)
    const next =
      last && found.length > limit
        ? formatPageToken('alertDevices', { order: 0, id: last.deviceId })
        : null
    return { items, continuationToken: next }
  }
}

function dayOf({ startTimeMs }: Alert): number {
  return Math.trunc(startTimeMs / DAY_MS)
}
