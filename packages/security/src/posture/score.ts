import { CHECK_SEVERITIES, type CheckSeverity } from '../baseline/baseline.ts'
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

/** The last baselines of a device in numbers. */
export interface BaselineResult {
  readonly critical: CheckCounts
  readonly important: CheckCounts
  readonly warning: CheckCounts
  readonly informational: CheckCounts
  readonly skip: number
  /** Switched off by the device's configuration; in none of the others. */
  readonly disabled: number
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
export const BASELINE_AGE_LIMIT_MS = 14 * DAY_MS
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

/** What the score is made of, and how many points each part is worth. */
export const SCORE_PARTS = [
  ['baseline', 35],
  ['recommendations', 35],
  ['alerts', 20],
  ['health', 10],
] as const
export type ScorePart = (typeof SCORE_PARTS)[number][0]

/**
 * The score of one device, a whole number from 0 (worst) to 100:
 * 35 parts baseline, 35 active recommendations, 20 open alerts, 10 the agent's health. Pure.
 */
export function postureScore(input: ScoreInput, nowMs: number): number {
  const values = partValues(input, nowMs)
  return Math.round(SCORE_PARTS.reduce((sum, [part, points]) => sum + points * values[part], 0))
}

/** How much of each part is given, 0 to 1. Pure. */
export function partValues(
  input: ScoreInput,
  nowMs: number,
): { readonly [part in ScorePart]: number } {
  const recommendations = input.recommendations.filter(({ state }) => state === 'Active')
  const alerts = input.alerts.filter(isOpenAlert)
  return {
    baseline: baselineRatio(input.baseline, nowMs),
    recommendations: remainder(recommendations.map(recommendationWeight)),
    alerts: remainder(alerts.map((alert) => alertWeight(alert, nowMs))),
    health: HEALTH[input.state],
  }
}

/** What costs points, in proportion. */
export function recommendationWeight({ severity }: Pick<Recommendation, 'severity'>): number {
  return RECOMMENDATION_WEIGHTS[severity]
}

export function alertWeight(
  { severity, endTimeMs }: Pick<Alert, 'severity' | 'endTimeMs'>,
  nowMs: number,
): number {
  return ALERT_WEIGHTS[severity] * ageFactor(nowMs - endTimeMs)
}

/** An error counts as half a failure. */
export function checkWeight(severity: CheckSeverity, result: 'fail' | 'error'): number {
  return CHECK_WEIGHTS[severity] * (result === 'fail' ? 1 : 0.5)
}

/** Whether it counts as open; the alert of a fire drill never does. */
export function isOpenAlert({ status, drill }: Pick<Alert, 'status' | 'drill'>): boolean {
  return drill === undefined && (status === 'Active' || status === 'InProgress')
}

/** Whether a baseline is new enough to say anything. */
export function isFresh(
  { evaluatedMs }: Pick<BaselineResult, 'evaluatedMs'>,
  nowMs: number,
): boolean {
  return nowMs - evaluatedMs <= BASELINE_AGE_LIMIT_MS
}

/** Passed checks by weight; an error counts as half a failure. */
function baselineRatio(baseline: BaselineResult | undefined, nowMs: number): number {
  if (baseline === undefined || !isFresh(baseline, nowMs)) return UNKNOWN_BASELINE
  let passed = 0
  let all = 0
  for (const severity of CHECK_SEVERITIES) {
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
