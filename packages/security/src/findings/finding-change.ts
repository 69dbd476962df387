import type { Alert, Severity } from '../detection/alert.ts'
import type { Recommendation } from '../recommendations/recommendation.ts'

/** What a finding was before a change, as far as the change is named by it. */
export interface FindingBefore {
  /** An alert's status, a recommendation's state. */
  readonly status: string
  readonly severity: Severity
  /** Of an alert; 0 of a recommendation. */
  readonly count: number
}

interface Common {
  /** Place in the feed; the next change has the next number. */
  readonly sequence: number
  /** Absent when the finding was not there before. */
  readonly before?: FindingBefore
}

/** One finding that came or changed, as it was after the commit. */
export type FindingChange = Common &
  ({ readonly alert: Alert } | { readonly recommendation: Recommendation })

export const CHANGE_KINDS = [
  'alert-opened',
  'alert-updated',
  'alert-status-changed',
  'recommendation-opened',
  'recommendation-changed',
  'recommendation-state-changed',
  'recommendation-resolved',
] as const

/** What happened, as notifications and the stream of findings name it. */
export type ChangeKind = (typeof CHANGE_KINDS)[number]

/** What a change is chosen by. */
export interface ChangeSubject {
  readonly kind: ChangeKind
  readonly findingId: string
  readonly deviceId: string
  /** The alert's or the recommendation's type. */
  readonly type: string
  readonly severity: Severity
  /** The fire drill of an alert. */
  readonly drill?: string
  /**
   * The alert came or goes on while it is closed, so nobody has to look: it happened in a maintenance
   * window, or a person dismissed it. Of a recommendation: it is put away with its device.
   */
  readonly isExpected?: boolean
}

/** The name of a change and what it is chosen by. Pure. */
export function subjectOf(change: FindingChange): ChangeSubject {
  if ('alert' in change) {
    const { id, deviceId, alertType, severity, drill } = change.alert
    const kind = alertKind(change.before, change.alert)
    const isClosed = change.alert.status === 'Resolved' || change.alert.status === 'Dismissed'
    return {
      ...{ kind, findingId: id, deviceId, type: alertType, severity },
      ...(isClosed && kind !== 'alert-status-changed' && { isExpected: true }),
      ...(drill !== undefined && { drill }),
    }
  }
  const { id, deviceId, recommendationType, severity, deviceRemovedMs } = change.recommendation
  const kind = recommendationKind(change.before, change.recommendation)
  // What is put away of a removed device was told of under its own id before.
  const isPutAway = deviceRemovedMs !== undefined && change.before === undefined
  return {
    ...{ kind, findingId: id, deviceId, type: recommendationType, severity },
    ...(isPutAway && { isExpected: true }),
  }
}

function alertKind(before: FindingBefore | undefined, { status }: Alert): ChangeKind {
  if (!before) return 'alert-opened'
  return before.status === status ? 'alert-updated' : 'alert-status-changed'
}

/** One that comes back after it was resolved is opened again. */
function recommendationKind(
  before: FindingBefore | undefined,
  { state }: Recommendation,
): ChangeKind {
  if (before?.status === state) return 'recommendation-changed'
  if (state === 'Active' && (!before || before.status === 'Resolved')) {
    return 'recommendation-opened'
  }
  return state === 'Resolved' ? 'recommendation-resolved' : 'recommendation-state-changed'
}
