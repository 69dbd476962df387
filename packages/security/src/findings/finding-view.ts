import type { Alert } from '../detection/alert.ts'
import { HUB, type Recommendation } from '../recommendations/recommendation.ts'
import { wellFormed } from './well-formed.ts'

const VENDOR = 'Twinward'

/** An alert as interface clients see it: times in UTC, the dedupe key left out. */
export function alertView(alert: Alert): object {
  const { startTimeMs, endTimeMs, dedupeKey: _, evidence, notes, history, ...others } = alert
  const { deviceRemovedMs, ...rest } = others
  return {
    ...rest,
    tags: alert.tags ?? [],
    compromisedEntity: alert.deviceId,
    ...removedView(deviceRemovedMs),
    ...{ vendorName: VENDOR, providerName: 'IoTSecurity', productName: VENDOR },
    startTimeUtc: utcTime(startTimeMs),
    endTimeUtc: utcTime(endTimeMs),
    timeGeneratedUtc: utcTime(history[0]?.timeMs ?? startTimeMs),
    processingEndTimeUtc: utcTime(history.at(-1)?.timeMs ?? endTimeMs),
    extendedLinks: linksOf(alert),
    evidence: evidence.map(({ timeMs, ...members }) => ({ ...members, timeUtc: utcTime(timeMs) })),
    notes: notes.map(({ timeMs, ...members }) => ({ ...members, timeUtc: utcTime(timeMs) })),
    history: history.map(({ timeMs, ...members }) => ({ ...members, timeUtc: utcTime(timeMs) })),
  }
}

/** A recommendation as interface clients see it: times in UTC, and whether it is about the hub itself. */
export function recommendationView(recommendation: Recommendation): object {
  const { discoveredTimeMs, stateChangedMs, resolvedTimeMs, snapshotTimeMs, ...others } =
    recommendation
  const { exemptUntilMs, history = [], isGoodMeanwhile: _, deviceRemovedMs, ...rest } = others
  return {
    ...rest,
    ...removedView(deviceRemovedMs),
    scope: rest.deviceId === HUB ? 'hub' : 'device',
    discoveredTimeUtc: utcTime(discoveredTimeMs),
    stateChangedUtc: utcTime(stateChangedMs),
    resolvedTimeUtc: utcTime(resolvedTimeMs),
    snapshotTimeUtc: utcTime(snapshotTimeMs ?? 0),
    exemptUntilUtc: utcTime(exemptUntilMs ?? 0),
    history: history.map(({ timeMs, ...members }) => ({ ...members, timeUtc: utcTime(timeMs) })),
  }
}

/** Only of what is left of a device that is gone. */
function removedView(deviceRemovedMs: number | undefined): object {
  return deviceRemovedMs === undefined ? {} : { deviceRemovedTimeUtc: utcTime(deviceRemovedMs) }
}

/** Where to read on: the raw event of the newest evidence that has one, and why it fired. */
function linksOf({ deviceId, evidence }: Alert): readonly object[] {
  const eventId = evidence.findLast((each) => each.eventId !== '')?.eventId
  if (eventId === undefined) return []
  const query = `device=${encoded(deviceId)}&event=${encoded(eventId)}`
  return [
    { label: 'Raw event', href: `/api/security/events?${query}` },
    { label: 'Why it fired', href: `/api/security/explain?${query}` },
  ]
}

/** ISO 8601, or `null` for "never". */
function utcTime(ms: number): string | null {
  return ms === 0 ? null : new Date(ms).toISOString()
}

/** Ids of events are whatever an agent sent: half of a character pair cannot be encoded. */
function encoded(text: string): string {
  return encodeURIComponent(wellFormed(text))
}
