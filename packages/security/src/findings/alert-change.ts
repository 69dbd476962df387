import type { AlertFilter } from '../data/finding-store.ts'
import type { Alert, AlertStatus } from '../detection/alert.ts'
import { addNote, assign, changeStatus } from '../detection/alerts.ts'

/** What a person changes of an alert. */
export interface AlertChange {
  readonly status?: AlertStatus
  /** `''`: nobody. */
  readonly assignee?: string
  /** Goes into the history with a status, else among the notes. */
  readonly note?: string
}

interface Author {
  readonly timeMs: number
  readonly by: string
}

/**
 * The alert after a change. Pure.
 *
 * @throws {HubError} `ArgumentInvalid` for a status that does not follow and for texts over limits
 */
export function applyChange(alert: Alert, change: AlertChange, { timeMs, by }: Author): Alert {
  const { status, assignee, note } = change
  let changed = alert
  if (status !== undefined) {
    changed = changeStatus(changed, { status, timeMs, by, note: note ?? '' })
  }
  if (assignee !== undefined) changed = assign(changed, assignee)
  if (note !== undefined && status === undefined) {
    changed = addNote(changed, { timeMs, by, text: note })
  }
  return changed
}

/**
 * As `applyChange` for one alert of many: one that has the status and the assignee already is left as
 * it is, and returned itself.
 *
 * @throws {HubError} as `applyChange`
 */
export function applyToOneOfMany(alert: Alert, change: AlertChange, author: Author): Alert {
  const { status, ...rest } = change
  if (status !== undefined && status !== alert.status) return applyChange(alert, change, author)
  const isAssigned = rest.assignee === undefined || rest.assignee.trim() === alert.assignee
  // A note that explains a status is not put down without it.
  if (isAssigned && (status !== undefined || rest.note === undefined)) return alert
  return applyChange(alert, status === undefined ? rest : { assignee: rest.assignee ?? '' }, author)
}

/** Whether an alert is still what was asked for; times and pages do not change. */
export function isStill(alert: Alert, filter: Omit<AlertFilter, 'limit'>): boolean {
  const { deviceId, alertType, status, severity } = filter
  return (
    (deviceId === undefined || deviceId === alert.deviceId) &&
    (alertType === undefined || alertType === alert.alertType) &&
    (status === undefined || status === alert.status) &&
    (severity === undefined || severity === alert.severity)
  )
}
