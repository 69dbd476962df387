import type { Severity } from '../detection/alert.ts'

/**
 * - `Active`: the state is bad
 * - `Resolved`: it became good, or its type was switched off
 * - `Stale`: it was bad, and nothing has been heard of it for three times its interval
 * - `Exempt`: a person accepts it, for good or until a time
 */
export type RecommendationState = (typeof RECOMMENDATION_STATES)[number]

export const RECOMMENDATION_STATES = ['Active', 'Resolved', 'Stale', 'Exempt'] as const

/** A recommendation came into a state. */
export interface RecommendationChange {
  readonly state: RecommendationState
  readonly timeMs: number
  /** A policy name, or `engine`. */
  readonly by: string
  readonly note: string
}

/** The device id of recommendations that are about the hub itself; no device can have it. */
export const HUB = ''

/**
 * "This should change" on one device, or on the hub; stays open until the state improves. Id
 * `<type>|<deviceId>`.
 */
export interface Recommendation {
  readonly id: string
  /** `HUB` when it is about the hub itself. */
  readonly deviceId: string
  readonly recommendationType: string
  readonly displayName: string
  readonly description: string
  readonly remediationSteps: readonly string[]
  readonly severity: Severity
  readonly state: RecommendationState
  readonly discoveredTimeMs: number
  readonly stateChangedMs: number
  /** 0 while it is not resolved. */
  readonly resolvedTimeMs: number
  /** How many times it came back after it was resolved. */
  readonly reopened: number
  /** JSON texts per key, e.g. `Endpoints`: `["0.0.0.0:25324"]`. */
  readonly additionalData: { readonly [key: string]: string }
  readonly exemptReason: string
  /** When an exemption ends; absent = never. */
  readonly exemptUntilMs?: number
  /** Of an exempt one: the state has become good meanwhile. */
  readonly isGoodMeanwhile?: true
  /** Event time of the last snapshot that changed something; older ones are passed over. */
  readonly snapshotTimeMs?: number
  /** The kind of snapshot that it needs to stay fresh; absent where silence says nothing. */
  readonly source?: string
  /** The newest last; absent in what earlier versions stored. */
  readonly history?: readonly RecommendationChange[]
  /** When its device was removed; its id ends with that time then. Absent while there is that device. */
  readonly deviceRemovedMs?: number
}

/** The texts and facts of one recommendation type. */
export interface RecommendationType {
  /** The published type, spelled as published. */
  readonly recommendationType: string
  readonly displayName: string
  readonly severity: Severity
  readonly description: string
  readonly remediationSteps: readonly string[]
}

/** What a snapshot says about one recommendation. */
export type Assessment =
  | { readonly isGood: true }
  | {
      readonly isGood: false
      /** Overrides the type's severity. */
      readonly severity?: Severity
      readonly additionalData: { readonly [key: string]: string }
    }

/** The snapshot that an assessment is of. */
export interface Snapshot {
  readonly deviceId: string
  /** Event time. */
  readonly timeMs: number
  /** As `Recommendation.source`. */
  readonly source?: string
}

/** Changes of state that are kept: the first and the newest. */
export const MAX_CHANGES = 50

/** The author of what no person did. */
const ENGINE = 'engine'

export function recommendationId(recommendationType: string, deviceId: string): string {
  return `${recommendationType}|${deviceId}`
}

/**
 * The recommendation after a snapshot was assessed:
 *
 *     –, Resolved   bad  → Active (discovered; reopened + 1)
 *     Active        bad  → Active, with the new data       good → Resolved
 *     Stale         bad  → Active                          good → Resolved
 *     Exempt        bad  → Exempt, with the new data       good → Exempt, until its time is over
 *
 * A good state of what was never bad is `undefined`. Nothing new is `existing` itself, so that the
 * caller sees that there is nothing to store: the same data again, or a snapshot older than the
 * last one that changed something. Pure; a replayed snapshot changes nothing.
 */
export function assess(
  existing: Recommendation | undefined,
  type: RecommendationType,
  assessment: Assessment,
  snapshot: Snapshot,
): Recommendation | undefined {
  if (!existing) return assessment.isGood ? undefined : open(type, assessment, snapshot)
  const { timeMs } = snapshot
  if (timeMs < (existing.snapshotTimeMs ?? 0)) return existing
  const current = liftIfOver(existing, timeMs)
  if (assessment.isGood) return improve(existing, current, timeMs)
  const { isGoodMeanwhile: _, ...rest } = current
  const next: Recommendation = { ...rest, ...factsOf(type, assessment), snapshotTimeMs: timeMs }
  if (current.state === 'Resolved') {
    if (timeMs === existing.snapshotTimeMs) return existing
    return { ...enter(next, { state: 'Active', timeMs }), reopened: existing.reopened + 1 }
  }
  if (current.state === 'Stale')
    return enter(next, { state: 'Active', timeMs, note: 'Heard again.' })
  return current === existing && isSameFinding(existing, next) ? existing : next
}

/** @param current  `existing`, without an exemption whose time is over */
function improve(
  existing: Recommendation,
  current: Recommendation,
  timeMs: number,
): Recommendation {
  switch (current.state) {
    case 'Active':
    case 'Stale':
      return { ...enter(current, { state: 'Resolved', timeMs }), snapshotTimeMs: timeMs }
    case 'Exempt':
      if (current.isGoodMeanwhile) return existing
      return { ...current, isGoodMeanwhile: true, snapshotTimeMs: timeMs }
    case 'Resolved':
      return current
  }
}

/** A change of state; who did it is the engine unless said. */
type Entering = Pick<RecommendationChange, 'state' | 'timeMs'> & Partial<RecommendationChange>

/** The recommendation in another state, with that noted in its history. Pure. */
export function enter(
  recommendation: Recommendation,
  { state, timeMs, by = ENGINE, note = '' }: Entering,
): Recommendation {
  const history = [...(recommendation.history ?? []), { state, timeMs, by, note }]
  return {
    ...recommendation,
    state,
    stateChangedMs: timeMs,
    resolvedTimeMs: state === 'Resolved' ? timeMs : 0,
    history: history.length > MAX_CHANGES ? history.toSpliced(1, 1) : history,
  }
}

function open(
  type: RecommendationType,
  assessment: Exclude<Assessment, { isGood: true }>,
  { deviceId, timeMs, source }: Snapshot,
): Recommendation {
  return {
    ...factsOf(type, assessment),
    id: recommendationId(type.recommendationType, deviceId),
    deviceId,
    state: 'Active',
    discoveredTimeMs: timeMs,
    stateChangedMs: timeMs,
    resolvedTimeMs: 0,
    reopened: 0,
    exemptReason: '',
    snapshotTimeMs: timeMs,
    ...(source !== undefined && { source }),
    history: [{ state: 'Active', timeMs, by: ENGINE, note: '' }],
  }
}

function factsOf(type: RecommendationType, found: Exclude<Assessment, { isGood: true }>) {
  const { recommendationType, displayName, description, remediationSteps } = type
  const { severity = type.severity, additionalData } = found
  const texts = { recommendationType, displayName, description, remediationSteps }
  return { ...texts, severity, additionalData }
}

/** Compares what a person would see; the snapshot's time alone is no news. */
function isSameFinding(one: Recommendation, other: Recommendation): boolean {
  return (
    one.severity === other.severity &&
    one.description === other.description &&
    one.isGoodMeanwhile === other.isGoodMeanwhile &&
    JSON.stringify(one.additionalData) === JSON.stringify(other.additionalData)
  )
}

/** What an exemption comes to at this time: the state that it hid, once it is over. Pure. */
export function liftIfOver(existing: Recommendation, nowMs: number): Recommendation {
  const isOver = existing.state === 'Exempt' && nowMs >= (existing.exemptUntilMs ?? Infinity)
  return isOver ? unhide(existing, { timeMs: nowMs, note: 'The exemption ended.' }) : existing
}

/** The state that an exemption hid. Pure. */
export function unhide(
  { exemptUntilMs: _, isGoodMeanwhile, ...rest }: Recommendation,
  change: Omit<Entering, 'state'>,
): Recommendation {
  const state = isGoodMeanwhile ? 'Resolved' : 'Active'
  return { ...enter(rest, { ...change, state }), exemptReason: '' }
}
