import type { FindingBefore, FindingChange } from '../findings/finding-change.ts'
import { subjectOf } from '../findings/finding-change.ts'
import { alertView, recommendationView } from '../findings/finding-view.ts'
import { wellFormed } from '../findings/well-formed.ts'
import type { NotificationBody } from './delivery.ts'
import { MAX_NOTIFICATION_CHARACTERS } from './limits.ts'
import type { RouteWindow } from './rate-window.ts'

/** What a notification is made with beside the change. */
export interface Heading {
  readonly id: string
  readonly timeMs: number
  /** Where the API is reached, without a slash at the end; empty when that is not known. */
  readonly baseUrl: string
}

/** The document that tells of a change. Pure. */
export function changeBody(change: FindingChange, heading: Heading): NotificationBody {
  const { kind, drill } = subjectOf(change)
  const common = {
    id: heading.id,
    event: kind,
    timeUtc: new Date(heading.timeMs).toISOString(),
    sequence: change.sequence,
    ...(drill !== undefined && { drill }),
    ...(change.before && { before: beforeView(change) }),
  }
  if ('alert' in change) {
    const link = `${heading.baseUrl}/api/security/alerts/${encoded(change.alert.id)}`
    return short({ ...common, link, alert: alertView(change.alert) }, 'alert')
  }
  const { recommendation } = change
  const query = `device=${encoded(recommendation.deviceId)}&type=${encoded(recommendation.recommendationType)}`
  const link = `${heading.baseUrl}/api/security/recommendations?${query}`
  return short(
    { ...common, link, recommendation: recommendationView(recommendation) },
    'recommendation',
  )
}

/** The document that tells what a window of a route held back. Pure. */
export function summaryBody(
  routeId: string,
  { held, startMs, endMs }: RouteWindow,
  heading: Heading,
): NotificationBody {
  return {
    id: heading.id,
    event: 'summary',
    timeUtc: new Date(heading.timeMs).toISOString(),
    route: routeId,
    fromUtc: new Date(startMs).toISOString(),
    toUtc: new Date(endMs).toISOString(),
    link: `${heading.baseUrl}/api/security/alerts`,
    ...held,
  }
}

/** The document of a test of a channel. */
export function testBody({ id, timeMs, baseUrl }: Heading): NotificationBody {
  return {
    id,
    event: 'test',
    timeUtc: new Date(timeMs).toISOString(),
    link: `${baseUrl}/api/security/notifications/status`,
    message: 'This is a test: the channel works.',
  }
}

/** As the finding itself spells it: an alert has a status, a recommendation a state. */
function beforeView(change: FindingChange): object {
  const { status, severity, count } = change.before as FindingBefore
  return 'alert' in change ? { status, severity, count } : { state: status, severity }
}

/** Whatever a device put into a text: half of a character pair cannot be encoded. */
function encoded(text: string): string {
  return encodeURIComponent(wellFormed(text))
}

/** Leaves out what makes a finding long: it can be read with the link. */
function short(body: NotificationBody, finding: 'alert' | 'recommendation'): NotificationBody {
  if (JSON.stringify(body).length <= MAX_NOTIFICATION_CHARACTERS) return body
  const { notes: _, history: __, evidence: ___, ...rest } = body[finding] as Record<string, unknown>
  const without = { ...body, isShortened: true, [finding]: rest }
  if (JSON.stringify(without).length <= MAX_NOTIFICATION_CHARACTERS) return without
  const { extendedProperties: _x, entities: _e, additionalData: _a, ...least } = rest
  return { ...without, [finding]: least }
}
