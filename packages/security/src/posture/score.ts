import type { Alert, Severity } from '../detection/alert.ts'
import type { ModuleState } from '../modules/state.ts'
import type { Recommendation } from '../recommendations/recommendation.ts'

/** Outcomes of the baseline checks of one severity. */
export interface CheckCounts {
  readonly pass: number
  readonly fail: number
  /** Checks that could not be carried out. */
  readonly error: number
}

/** The last baseline snapshot of a device. */
export interface BaselineResult {
  readonly critical: CheckCounts
  readonly important: CheckCounts
  readonly warning: CheckCounts
  readonly informational: CheckCounts
  readonly skip: number
  readonly evaluatedMs: number
}

export interface ScoreInput {
  readonly baseline?: BaselineResult
  readonly recommendations: readonly Recommendation[]
  readonly alerts: readonly Alert[]
  readonly state: ModuleState
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Older baselines say nothing any more. */
const BASELINE_AGE_LIMIT_MS = 14 * DAY_MS
/** Without a baseline half of its part is given. */
const UNKNOWN_BASELINE = 0.5
/** Findings of this weight together leave nothing of their part. */
const FULL_WEIGHT = 20

const CHECK_WEIGHTS = { critical: 10, important: 5, warning: 2, informational: 1 } as const
const RECOMMENDATION_WEIGHTS: { readonly [severity in Severity]: number } = {
  High: 8,
  Medium: 3,
  Low: 1,
  Informational: 0,
}
const ALERT_WEIGHTS: { readonly [severity in Severity]: number } = {
  High: 10,
  Medium: 4,
  Low: 1,
  Informational: 0,
}
const HEALTH: { readonly [state in ModuleState]: number } = {
  active: 1,
  pendingConfig: 0.5,
  configError: 0.2,
  absent: 0,
  provisioned: 0,
  silent: 0,
  suspended: 0,
  retired: 0,
}

/**
 * The score of one device, a whole number from 0 (worst) to 100:
 * 35 parts baseline, 35 active recommendations, 20 open alerts, 10 the agent's health. Pure.
 */
export function postureScore(input: ScoreInput, nowMs: number): number {
  const baseline = baselineRatio(input.baseline, nowMs)
  const recommendations = remainder(
    input.recommendations
      .filter(({ state }) => state === 'Active')
      .map(({ severity }) => RECOMMENDATION_WEIGHTS[severity]),
  )
  const alerts = remainder(
    input.alerts
      .filter(isOpenAlert)
      .map(({ severity, endTimeMs }) => ALERT_WEIGHTS[severity] * ageFactor(nowMs - endTimeMs)),
  )
  const health = HEALTH[input.state]
  return Math.round(35 * baseline + 35 * recommendations + 20 * alerts + 10 * health)
}

export function isOpenAlert({ status }: Alert): boolean {
  return status === 'Active' || status === 'InProgress'
}

/** Passed checks by weight; an error counts as half a failure. */
function baselineRatio(baseline: BaselineResult | undefined, nowMs: number): number {
  if (baseline === undefined || nowMs - baseline.evaluatedMs > BASELINE_AGE_LIMIT_MS) {
    return UNKNOWN_BASELINE
  }
  let passed = 0
  let all = 0
  for (const severity of ['critical', 'important', 'warning', 'informational'] as const) {
    const { pass, fail, error } = baseline[severity]
    passed += CHECK_WEIGHTS[severity] * (pass + error / 2)
    all += CHECK_WEIGHTS[severity] * (pass + fail + error)
  }
  return all === 0 ? UNKNOWN_BASELINE : passed / all
}

function remainder(weights: readonly number[]): number {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return Math.max(0, 1 - sum / FULL_WEIGHT)
}

function ageFactor(ageMs: number): number {
  if (ageMs <= DAY_MS) return 1
  return ageMs <= 7 * DAY_MS ? 0.7 : 0.4
}
