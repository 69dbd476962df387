import { createHash } from 'node:crypto'
import { HubError } from '@twinward/protocol'
import type { Alert, AlertStatus, Evidence, Severity, StatusChange } from './alert.ts'
import type { Finding } from './evaluate.ts'

/** A find this close in time to an alert's evidence belongs to that alert. */
export const DEDUPE_WINDOW_MS = 60 * 60 * 1000
/** Evidences kept from the beginning of an alert, and as many from its end. */
export const EVIDENCE_AT_EACH_END = 5
/** Status changes kept: the first and the newest. */
export const MAX_HISTORY = 100
/** Notes of one alert; a further one is refused. */
export const MAX_NOTES = 100
/** Characters of a note. */
export const MAX_NOTE_CHARACTERS = 2000
/** Characters of an assignee's name. */
export const MAX_ASSIGNEE_CHARACTERS = 128

/** The author of what no person did. */
export const ENGINE = 'engine'
/** Tag of alerts that happened in a maintenance window. */
export const MAINTENANCE = 'maintenance'

/** What an alert is found again by: device, type and the thing found, as a SHA-256 in hex. */
export function dedupeKey({ rule, record, match }: Finding): string {
  const parts = [record.header.ref.deviceId, rule.type.alertType, match.key]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/**
 * Whether a finding opens an alert of its own instead of updating `existing`, the newest alert with
 * its key: there is none, its evidence is further away than `DEDUPE_WINDOW_MS`, or it was resolved.
 * A dismissed alert takes the finding: whoever dismissed it knows that this happens. So does one
 * that holds the finding already, whatever its status. An alert that maintenance resolved takes what
 * else happens in maintenance, and nothing after it.
 */
export function opensAlert(existing: Alert | undefined, finding: Finding): boolean {
  if (!existing) return true
  if (holds(existing, finding)) return false
  const { timeMs } = observationOf(finding)
  const isNear =
    timeMs >= existing.startTimeMs - DEDUPE_WINDOW_MS &&
    timeMs <= existing.endTimeMs + DEDUPE_WINDOW_MS
  if (!isNear) return true
  const isExpected = finding.maintenance !== undefined && isMaintenance(existing)
  return existing.status === 'Resolved' && !isExpected
}

function isMaintenance({ tags = [] }: Alert): boolean {
  return tags.includes(MAINTENANCE)
}

/**
 * The alert after a finding: a new one, or `existing` with one more count, its times extended and
 * the finding among its evidence. Returns `existing` itself when it holds the finding already.
 * Pure.
 *
 * Replays: the store commits alerts and cursor together, so a message that was evaluated is not
 * evaluated again and no alert sees a finding twice. Should it happen all the same, then
 * - a finding that is among the first or last five evidences changes nothing;
 * - one from the middle counts once more and stands last in the evidence again;
 * - neither opens a second alert, unless the first was resolved in between, nor changes a status.
 *
 * @param existing  the newest alert with the finding's `dedupeKey`, whatever its status
 */
export function openOrUpdate(
  existing: Alert | undefined,
  finding: Finding,
  nowMs: number,
  makeId: () => string,
): Alert {
  if (!existing || opensAlert(existing, finding)) return openAlert(finding, nowMs, makeId())
  if (holds(existing, finding)) return existing
  const { timeMs } = observationOf(finding)
  return {
    ...existing,
    severity: worse(existing.severity, severityOf(finding)),
    count: existing.count + 1,
    startTimeMs: Math.min(existing.startTimeMs, timeMs),
    endTimeMs: Math.max(existing.endTimeMs, timeMs),
    evidence: addEvidence(existing.evidence, evidenceOf(finding)),
  }
}

function openAlert(finding: Finding, nowMs: number, id: string): Alert {
  const { rule, record, match } = finding
  const { deviceId } = record.header.ref
  const { timeMs } = observationOf(finding)
  const { number: _, severity: __, ...texts } = rule.type
  const alert: Alert = {
    ...texts,
    id,
    deviceId,
    severity: severityOf(finding),
    status: 'Active',
    startTimeMs: timeMs,
    endTimeMs: timeMs,
    count: 1,
    dedupeKey: dedupeKey(finding),
    entities: match.entities,
    extendedProperties: match.extendedProperties,
    evidence: [evidenceOf(finding)],
    assignee: '',
    notes: [],
    history: [{ status: 'Active', timeMs: nowMs, by: ENGINE, note: '' }],
    ...(match.drill !== undefined && { drill: match.drill }),
  }
  return finding.maintenance === undefined ? alert : closed(alert, finding.maintenance, nowMs)
}

/** An alert that nobody has to look at, since it was to be expected. */
function closed(alert: Alert, reason: string, timeMs: number): Alert {
  const text = reason.slice(0, MAX_NOTE_CHARACTERS)
  const resolved = changeStatus(alert, { status: 'Resolved', timeMs, by: ENGINE, note: text })
  return { ...resolved, tags: [MAINTENANCE], notes: [{ timeMs, by: ENGINE, text }] }
}

function holds({ evidence }: Alert, finding: Finding): boolean {
  const { eventId, element, summary } = evidenceOf(finding)
  return evidence.some(
    (one) => one.eventId === eventId && one.element === element && one.summary === summary,
  )
}

function evidenceOf(finding: Finding): Evidence {
  const { match, element } = finding
  const { eventId, timeMs } = observationOf(finding)
  if (match.observed) return { eventId, timeMs, summary: match.summary }
  return { eventId, element, timeMs, summary: match.summary }
}

/** The event that the finding is about and its time. */
export function observationOf({ record, match }: Finding) {
  return match.observed ?? record.header
}

function addEvidence(evidence: readonly Evidence[], next: Evidence): readonly Evidence[] {
  if (evidence.length < 2 * EVIDENCE_AT_EACH_END) return [...evidence, next]
  const first = evidence.slice(0, EVIDENCE_AT_EACH_END)
  return [...first, ...evidence.slice(EVIDENCE_AT_EACH_END + 1), next]
}

const SEVERITIES: readonly Severity[] = ['Informational', 'Low', 'Medium', 'High']

function severityOf({ rule, match }: Finding): Severity {
  return match.severity ?? rule.type.severity
}

function worse(one: Severity, other: Severity): Severity {
  return SEVERITIES.indexOf(other) > SEVERITIES.indexOf(one) ? other : one
}

const NEXT: { readonly [status in AlertStatus]: readonly AlertStatus[] } = {
  Active: ['InProgress', 'Resolved', 'Dismissed'],
  InProgress: ['Resolved', 'Dismissed', 'Active'],
  Resolved: ['Active'],
  Dismissed: ['Active'],
}

/**
 * The alert in another status. At most `MAX_HISTORY` changes are kept: the opening and the newest.
 *
 * @throws {HubError} `ArgumentInvalid` for a status that does not follow, naming those that do, and
 *   for a note over `MAX_NOTE_CHARACTERS`
 */
export function changeStatus(alert: Alert, change: StatusChange): Alert {
  const allowed = NEXT[alert.status]
  if (!allowed.includes(change.status)) {
    throw new HubError(
      'ArgumentInvalid',
      `An alert that is ${alert.status} can become ${allowed.join(' or ')}, not ${change.status}.`,
    )
  }
  checkLength('note', change.note, MAX_NOTE_CHARACTERS)
  const history = [...alert.history, change]
  const kept = history.length > MAX_HISTORY ? history.toSpliced(1, 1) : history
  return { ...alert, status: change.status, history: kept }
}

/**
 * @param assignee  who looks after the alert; `''` for nobody
 * @throws {HubError} `ArgumentInvalid` over `MAX_ASSIGNEE_CHARACTERS`
 */
export function assign(alert: Alert, assignee: string): Alert {
  const name = assignee.trim()
  checkLength('assignee', name, MAX_ASSIGNEE_CHARACTERS)
  return { ...alert, assignee: name }
}

/** @throws {HubError} `ArgumentInvalid` for an empty note, a long one, or one over `MAX_NOTES` */
export function addNote(alert: Alert, note: Alert['notes'][number]): Alert {
  const text = note.text.trim()
  if (text === '') throw new HubError('ArgumentInvalid', 'The note is empty.')
  checkLength('note', text, MAX_NOTE_CHARACTERS)
  if (alert.notes.length >= MAX_NOTES) {
    throw new HubError('ArgumentInvalid', `The alert has ${MAX_NOTES} notes, which is the most.`)
  }
  return { ...alert, notes: [...alert.notes, { ...note, text }] }
}

function checkLength(what: string, text: string, limit: number): void {
  if (text.length <= limit) return
  throw new HubError('ArgumentInvalid', `The ${what} has ${text.length} of ${limit} characters.`)
}
