import type { JsonObject, JsonValue } from '@twinward/protocol'
import type { AgentRecord, SecurityRecord } from '../ingestion/record.ts'

/** Counters of an agent in one hour, as it reported them; `hour` = hours since the epoch. */
export interface EconomyHour {
  readonly hour: number
  readonly sent: number
  /** Messages under 4 KB among them. */
  readonly small: number
  readonly collected: number
  readonly dropped: number
}

/** What is kept of a device to tell its recommendations; times are ms since the epoch, 0 = never. */
export interface DeviceNotes {
  /** Time alone may change a recommendation from then on, not earlier; 0 = never. */
  readonly dueMs: number
  /** Receive time of the last snapshot of each kind. */
  readonly snapshots: { readonly [source: string]: number }
  /** How often each kind comes, as the configuration says. */
  readonly intervals: { readonly [source: string]: number }
  /** The last `ECONOMY_HOURS`, oldest first. */
  readonly hours: readonly EconomyHour[]
  /** When an agent of the legacy eras was first heard, and its last process or connection; by the hour. */
  readonly legacySinceMs: number
  readonly activityMs: number
  /** Whether it was found that it tells of none. */
  readonly isAuditdMissing: boolean
  /** When the agent last complained about its configuration. */
  readonly configErrorMs: number
  /** When the first of its exemptions ends. */
  readonly exemptUntilMs: number
  /** Since when the device is known to be without an agent. */
  readonly withoutAgentMs: number
  /** Whether an agent was asked for. */
  readonly isAgentAsked: boolean
  /** The version of the deployment that was judged, and hashes of the settings of its modules. */
  readonly edgeVersion: number
  /** Which of the types on deployments were switched off then. */
  readonly edgeOff: readonly string[]
  readonly edgeModules: { readonly [module: string]: string }
}

/** The name under which they stand in the memory of the device. */
export const NOTES = 'recommendations'

/** Hours of counters that are judged together. */
export const ECONOMY_HOURS = 24
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Without a snapshot for so many intervals, what it said is stale. */
export const STALE_INTERVALS = 3
/** Where a configuration says nothing. */
export const DEFAULT_INTERVAL_MS = DAY_MS
/** A legacy agent that tells of no process and no connection for so long has no auditd to ask. */
export const ACTIVITY_LIMIT_MS = DAY_MS

const NO_NOTES: DeviceNotes = {
  dueMs: 0,
  snapshots: {},
  intervals: {},
  hours: [],
  legacySinceMs: 0,
  activityMs: 0,
  isAuditdMissing: false,
  configErrorMs: 0,
  exemptUntilMs: 0,
  withoutAgentMs: 0,
  isAgentAsked: false,
  edgeVersion: 0,
  edgeOff: [],
  edgeModules: {},
}

/** @param stored  of the device's memory */
export function readNotes(stored: JsonObject | undefined): DeviceNotes {
  return { ...NO_NOTES, ...(stored as Partial<DeviceNotes> | undefined) }
}

export function writeNotes(notes: DeviceNotes): JsonObject {
  return notes as unknown as JsonObject
}

/** The kind of snapshot that a record is of; `undefined` for what comes by no clock. */
export function sourceOf(record: SecurityRecord): string | undefined {
  switch (record.kind) {
    case 'ports':
    case 'fw':
    case 'baseline':
    case 'sbom':
      return record.kind
    case 'agent':
      return record.type === 'messageStatistics' || record.type === 'dropped'
        ? record.type
        : undefined
    default:
      return undefined
  }
}

/**
 * The notes after a record; the same object when it says nothing for them. A due time may become too
 * early, never too late, so that it does not move with every record. Pure.
 */
export function noteRecord(notes: DeviceNotes, record: SecurityRecord): DeviceNotes {
  let next = noteSnapshot(notes, record)
  if (record.kind === 'agent') next = noteAgent(next, record)
  if (record.header.era === 'legacy') next = noteLegacy(next, record)
  return next
}

function noteSnapshot(notes: DeviceNotes, record: SecurityRecord): DeviceNotes {
  const source = sourceOf(record)
  const { receivedMs } = record.header
  if (source === undefined || receivedMs <= (notes.snapshots[source] ?? 0)) return notes
  const next = { ...notes, snapshots: { ...notes.snapshots, [source]: receivedMs } }
  return { ...next, dueMs: earliest(notes.dueMs, staleMs(next, source)) }
}

/** Whether a device runs an agent that needs auditd, and whether that gives anything. By the hour. */
function noteLegacy(notes: DeviceNotes, { kind, header }: SecurityRecord): DeviceNotes {
  const hourMs = (Math.floor(header.receivedMs / HOUR_MS) + 1) * HOUR_MS
  const isActivity = kind === 'proc' || kind === 'conn'
  const activityMs = isActivity ? Math.max(notes.activityMs, hourMs) : notes.activityMs
  const legacySinceMs = notes.legacySinceMs || hourMs
  if (activityMs === notes.activityMs && legacySinceMs === notes.legacySinceMs) return notes
  const dueMs = earliest(notes.dueMs, hourMs + ACTIVITY_LIMIT_MS)
  return { ...notes, activityMs, legacySinceMs, dueMs }
}

function noteAgent(notes: DeviceNotes, record: AgentRecord): DeviceNotes {
  if (record.type !== 'configError') return noteCounters(notes, record)
  return { ...notes, configErrorMs: Math.max(notes.configErrorMs, record.header.receivedMs) }
}

/** Of two times of which 0 is never. */
export function earliest(oneMs: number, otherMs: number): number {
  if (oneMs === 0 || otherMs === 0) return oneMs || otherMs
  return Math.min(oneMs, otherMs)
}

function noteCounters(notes: DeviceNotes, { type, payload, header }: AgentRecord): DeviceNotes {
  const counted = type === 'messageStatistics' ? messagesIn(payload) : eventsIn(type, payload)
  if (counted === undefined) return notes
  const hour = Math.floor(header.timeMs / HOUR_MS)
  const same = notes.hours.find((one) => one.hour === hour)
  const sum = {
    hour,
    sent: counted.sent + (same?.sent ?? 0),
    small: counted.small + (same?.small ?? 0),
    collected: counted.collected + (same?.collected ?? 0),
    dropped: counted.dropped + (same?.dropped ?? 0),
  }
  const all = [...notes.hours.filter((one) => one.hour !== hour), sum]
  const newest = Math.max(...all.map((one) => one.hour))
  const kept = all.filter((one) => one.hour > newest - ECONOMY_HOURS)
  return { ...notes, hours: kept.sort((a, b) => a.hour - b.hour) }
}

function messagesIn(payload: readonly JsonObject[]) {
  return {
    sent: sum(payload.map(({ MessagesSent }) => MessagesSent)),
    small: sum(payload.map(({ MessagesUnder4KB }) => MessagesUnder4KB)),
    ...{ collected: 0, dropped: 0 },
  }
}

/** `DroppedEventsStatistics` of legacy agents, `Statistics` of the 2.0 messages. */
function eventsIn(type: AgentRecord['type'], payload: readonly JsonObject[]) {
  if (type !== 'dropped') return undefined
  const dropped = sum(payload.map((one) => one.DroppedEvents ?? one.dropped))
  const collected = sum(payload.map((one) => one.CollectedEvents ?? one.sent))
  // The legacy agents count what they dropped among what they collected; the others do not.
  const apart = sum(payload.map((one) => (one.CollectedEvents === undefined ? one.dropped : 0)))
  return { sent: 0, small: 0, collected: collected + apart, dropped }
}

function sum(values: readonly (JsonValue | undefined)[]): number {
  return values.reduce<number>(
    (total, value) => total + (typeof value === 'number' && value > 0 ? value : 0),
    0,
  )
}

export function intervalOf(notes: DeviceNotes, source: string): number {
  return notes.intervals[source] ?? DEFAULT_INTERVAL_MS
}

/** Kinds of snapshots that have not come for so long that what they said is stale. Pure. */
export function staleSources(notes: DeviceNotes, nowMs: number): readonly string[] {
  const { snapshots } = notes
  return Object.keys(snapshots).filter((source) => nowMs >= staleMs(notes, source))
}

/** Whether the snapshots that a recommendation is of stay away, so that nothing makes it stale later. Pure. */
export function isSourceStale({ snapshots }: DeviceNotes, source: string | undefined): boolean {
  return source !== undefined && snapshots[source] === undefined
}

function staleMs(notes: DeviceNotes, source: string): number {
  return (notes.snapshots[source] ?? 0) + STALE_INTERVALS * intervalOf(notes, source)
}

/** When time alone may change something next, by what is noted; 0 = never. Pure. */
export function nextDueMs(notes: DeviceNotes, nowMs: number, agentGraceMs: number): number {
  const { legacySinceMs, activityMs, exemptUntilMs, withoutAgentMs } = notes
  const times = [
    ...Object.keys(notes.snapshots).map((source) => staleMs(notes, source)),
    Math.max(legacySinceMs, activityMs) + ACTIVITY_LIMIT_MS,
    exemptUntilMs,
    withoutAgentMs + agentGraceMs,
  ].filter((timeMs) => timeMs > nowMs)
  return times.length === 0 ? 0 : Math.min(...times)
}
