import { formatFields, formatTime, printable } from './output.ts'

export const SEVERITIES = ['Informational', 'Low', 'Medium', 'High']
export const ALERT_STATUSES = ['Active', 'InProgress', 'Resolved', 'Dismissed']
export const RECOMMENDATION_STATES = ['Active', 'Resolved', 'Stale', 'Exempt']

/** An alert as the security API shows it. */
export interface AlertView {
  readonly id: string
  readonly deviceId: string
  readonly alertType: string
  readonly displayName: string
  readonly severity: string
  readonly status: string
  readonly intent: string
  readonly description: string
  readonly remediationSteps: readonly string[]
  readonly startTimeUtc: string
  readonly endTimeUtc: string
  readonly count: number
  readonly assignee?: string
  readonly evidence?: readonly { readonly timeUtc: string | null; readonly summary: string }[]
  readonly notes?: readonly {
    readonly timeUtc: string | null
    readonly by: string
    readonly text: string
  }[]
}

export interface RecommendationView {
  readonly id: string
  readonly deviceId: string
  readonly recommendationType: string
  readonly displayName: string
  readonly severity: string
  readonly state: string
  readonly stateChangedUtc: string | null
}

/** An alert without a device is about the hub itself. */
export function deviceOf({ deviceId }: Pick<AlertView, 'deviceId'>): string {
  return deviceId === '' ? '(the hub)' : deviceId
}

/** An alert whole, for people. */
export function describeAlert(alert: AlertView): string {
  const parts = [
    formatFields([
      ['Alert', alert.displayName],
      ['Id', alert.id],
      ['Type', alert.alertType],
      ['Device', deviceOf(alert)],
      ['Severity', alert.severity],
      ['Status', alert.status],
      ['Intent', alert.intent],
      ['First', formatTime(alert.startTimeUtc)],
      ['Last', formatTime(alert.endTimeUtc)],
      ['Count', String(alert.count)],
      ['Assignee', alert.assignee],
    ]),
    printable(alert.description),
    list(
      'What to do',
      alert.remediationSteps.map((step) => `- ${printable(step)}`),
    ),
    list(
      'Evidence',
      (alert.evidence ?? []).map(
        ({ timeUtc, summary }) => `${formatTime(timeUtc)}  ${printable(summary)}`,
      ),
    ),
    list(
      'Notes',
      (alert.notes ?? []).map(
        ({ timeUtc, by, text }) => `${formatTime(timeUtc)}  ${printable(`${by}: ${text}`)}`,
      ),
    ),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function list(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [title, ...lines.map((line) => `  ${line}`)].join('\n')
}
