import { HubError } from '@twinward/protocol'
import type { Severity } from '../detection/alert.ts'

export type RecommendationState = 'Active' | 'Resolved' | 'Exempt'

/**
 * "This should change" on one device; stays open until the state improves. Id `<type>|<deviceId>`.
 */
export interface Recommendation {
  readonly id: string
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
  /** Event time of the last snapshot that changed something; older ones are passed over. */
  readonly snapshotTimeMs?: number
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
}

/** Characters of the reason of an exemption. */
export const MAX_REASON_CHARACTERS = 1000

/**
 * The recommendation after a snapshot was assessed:
 *
 *     –, Resolved   bad  → Active (discovered; reopened + 1)
 *     Active        bad  → Active, with the new data       good → Resolved
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
  if (assessment.isGood) {
    if (current.state !== 'Active') return existing
    const resolved = { ...current, state: 'Resolved' as const, resolvedTimeMs: timeMs }
    return { ...resolved, stateChangedMs: timeMs, snapshotTimeMs: timeMs }
  }
  const next = { ...current, ...factsOf(type, assessment), snapshotTimeMs: timeMs }
  if (current.state === 'Resolved') {
    if (timeMs === existing.snapshotTimeMs) return existing
    const reopened = existing.reopened + 1
    return { ...next, state: 'Active', stateChangedMs: timeMs, resolvedTimeMs: 0, reopened }
  }
  return current === existing && isSameFinding(existing, next) ? existing : next
}

function open(
  type: RecommendationType,
  assessment: Exclude<Assessment, { isGood: true }>,
  { deviceId, timeMs }: Snapshot,
): Recommendation {
  return {
    ...factsOf(type, assessment),
    id: `${type.recommendationType}|${deviceId}`,
    deviceId,
    state: 'Active',
    discoveredTimeMs: timeMs,
    stateChangedMs: timeMs,
    resolvedTimeMs: 0,
    reopened: 0,
    exemptReason: '',
    snapshotTimeMs: timeMs,
  }
}

function factsOf(type: RecommendationType, found: Exclude<Assessment, { isGood: true }>) {
  const { severity = type.severity, additionalData } = found
  return { ...type, severity, additionalData }
}

/** Compares what a person would see; the snapshot's time alone is no news. */
function isSameFinding(one: Recommendation, other: Recommendation): boolean {
  return (
    one.severity === other.severity &&
    one.description === other.description &&
    JSON.stringify(one.additionalData) === JSON.stringify(other.additionalData)
  )
}

function liftIfOver(existing: Recommendation, nowMs: number): Recommendation {
  const isOver = existing.state === 'Exempt' && nowMs >= (existing.exemptUntilMs ?? Infinity)
  return isOver ? liftExemption(existing, nowMs) : existing
}

/**
 * Accepts the state of an active recommendation: it counts as neutral until `untilMs`, or for good.
 *
 * @throws {HubError} `ArgumentInvalid` when it is not active, for an empty or long reason, and for
 *   an end that is past
 */
export function exempt(
  recommendation: Recommendation,
  { reason, untilMs }: { readonly reason: string; readonly untilMs?: number },
  nowMs: number,
): Recommendation {
  if (recommendation.state !== 'Active') {
    throw new HubError(
      'ArgumentInvalid',
      `Only an Active recommendation can be exempted; this one is ${recommendation.state}.`,
    )
  }
  const exemptReason = reason.trim()
  if (exemptReason === '') throw new HubError('ArgumentInvalid', 'An exemption needs a reason.')
  if (exemptReason.length > MAX_REASON_CHARACTERS) {
    const length = `${exemptReason.length} of ${MAX_REASON_CHARACTERS}`
    throw new HubError('ArgumentInvalid', `The reason has ${length} characters.`)
  }
  if (untilMs !== undefined && !(untilMs > nowMs)) {
    throw new HubError('ArgumentInvalid', 'The end of an exemption lies in the future.')
  }
  const until = untilMs === undefined ? {} : { exemptUntilMs: untilMs }
  return { ...recommendation, state: 'Exempt', stateChangedMs: nowMs, exemptReason, ...until }
}

/** @throws {HubError} `ArgumentInvalid` when it is not exempt */
export function liftExemption(recommendation: Recommendation, nowMs: number): Recommendation {
  const { exemptUntilMs: _, ...rest } = recommendation
  if (rest.state !== 'Exempt') {
    throw new HubError('ArgumentInvalid', `This recommendation is ${rest.state}, not Exempt.`)
  }
  return { ...rest, state: 'Active', stateChangedMs: nowMs, exemptReason: '' }
}
