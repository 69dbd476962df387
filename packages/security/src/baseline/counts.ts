import type { BaselineResult, CheckCounts } from '../posture/score.ts'
import {
  type BaselineCounts,
  CHECK_SEVERITIES,
  type CheckSeverity,
  CIS_BENCHMARK,
  type DeviceBaseline,
  LEGACY_BENCHMARK,
} from './baseline.ts'
import { CIS_CHECKS } from './catalogue-cis.ts'
import { LEGACY_CHECKS } from './catalogue-legacy.ts'
import { disabledMatcher } from './disabled-checks.ts'

/** A check that the agent carries out without telling when it passes. */
interface AssumedCheck {
  readonly id: string
  readonly group: string
  readonly severity: CheckSeverity
}

/**
 * What agents that tell no passes check on every device: all audits of the legacy scanner that do not
 * depend on the distribution, and the scored controls of level 1. CIS knows no severities.
 */
const ASSUMED: { readonly [benchmark: string]: readonly AssumedCheck[] } = {
  [LEGACY_BENCHMARK]: LEGACY_CHECKS.filter(({ isUbuntuOnly }) => !isUbuntuOnly).map(
    ({ cce, group, severity }) => ({ id: cce, group, severity }),
  ),
  [CIS_BENCHMARK]: CIS_CHECKS.filter(({ isScored, level }) => isScored && level === 1).map(
    ({ number, group }) => ({ id: number, group, severity: 'warning' }),
  ),
}

/** One outcome, as all counts see it. */
interface Outcome {
  readonly group: string
  readonly severity: CheckSeverity
  readonly kind: 'pass' | 'fail' | 'error' | 'skip' | 'disabled'
  readonly isAssumed: boolean
}

/** Pure. */
export function countBaseline(baseline: DeviceBaseline): BaselineCounts {
  return sumOutcomes(outcomesOf(baseline))
}

/** By group, in the order of their names. Pure. */
export function countGroups(
  baseline: DeviceBaseline,
): readonly { readonly group: string; readonly counts: BaselineCounts }[] {
  const groups = new Map<string, Outcome[]>()
  for (const outcome of outcomesOf(baseline)) {
    const same = groups.get(outcome.group)
    if (same) same.push(outcome)
    else groups.set(outcome.group, [outcome])
  }
  return Array.from(groups, ([group, outcomes]) => ({ group, counts: sumOutcomes(outcomes) })).sort(
    (a, b) => (a.group < b.group ? -1 : 1),
  )
}

/** A benchmark that was not evaluated for so long, while another was, counts no more. */
const FORGOTTEN_AFTER_MS = 14 * 24 * 3_600_000

/** What the score counts of one benchmark. Pure. */
export function resultOf(baseline: DeviceBaseline): BaselineResult {
  const outcomes = outcomesOf(baseline)
  const of = (severity: CheckSeverity): CheckCounts => {
    const { pass, fail, error } = sumOutcomes(outcomes.filter((one) => one.severity === severity))
    return { pass, fail, error }
  }
  const { skip, disabled } = sumOutcomes(outcomes)
  const bySeverity = Object.fromEntries(CHECK_SEVERITIES.map((each) => [each, of(each)]))
  const { evaluatedMs } = baseline
  return { ...(bySeverity as BySeverity), skip, disabled, evaluatedMs }
}

type BySeverity = { readonly [severity in CheckSeverity]: CheckCounts }

/** Those that count beside the newest. Pure. */
export function countedWith<T extends { readonly evaluatedMs: number }>(
  newest: { readonly evaluatedMs: number },
  all: readonly T[],
): readonly T[] {
  return all.filter((one) => newest.evaluatedMs - one.evaluatedMs <= FORGOTTEN_AFTER_MS)
}

/** What the score counts of one device: its benchmarks together; `undefined` without any. Pure. */
export function sumResults(all: readonly BaselineResult[]): BaselineResult | undefined {
  if (all.length === 0) return undefined
  const evaluatedMs = Math.max(...all.map((one) => one.evaluatedMs))
  const counted = countedWith({ evaluatedMs }, all)
  const sum = (number: (one: BaselineResult) => number) =>
    counted.reduce((total, one) => total + number(one), 0)
  const bySeverity = Object.fromEntries(
    CHECK_SEVERITIES.map((severity) => [
      severity,
      {
        pass: sum((one) => one[severity].pass),
        fail: sum((one) => one[severity].fail),
        error: sum((one) => one[severity].error),
      },
    ]),
  )
  return {
    ...(bySeverity as BySeverity),
    skip: sum(({ skip }) => skip),
    disabled: sum(({ disabled }) => disabled),
    evaluatedMs,
  }
}

function outcomesOf(baseline: DeviceBaseline): readonly Outcome[] {
  const isDisabled = disabledMatcher(baseline.disabled)
  const told = baseline.checks.map((check): Outcome => {
    const kind = isDisabled(check) ? 'disabled' : check.result
    return { group: check.group, severity: check.severity, kind, isAssumed: false }
  })
  return baseline.tellsPasses ? told : [...told, ...assumedOutcomes(baseline)]
}

function assumedOutcomes({ benchmark, checks, disabled }: DeviceBaseline): readonly Outcome[] {
  const isDisabled = disabledMatcher(disabled)
  // Checks without a number of their own stand for each other.
  const keyOf = (id: string) => (id.startsWith('desc:') ? '' : id)
  const known = new Map<string, number>()
  for (const { id } of checks) known.set(keyOf(id), (known.get(keyOf(id)) ?? 0) + 1)
  return (ASSUMED[benchmark] ?? []).flatMap(({ id, group, severity }): readonly Outcome[] => {
    const left = known.get(id) ?? 0
    known.set(id, left - 1)
    if (left > 0 || isDisabled({ id, group })) return []
    return [{ group, severity, kind: 'pass', isAssumed: true }]
  })
}

function sumOutcomes(outcomes: readonly Outcome[]): BaselineCounts {
  const counts = { pass: 0, fail: 0, error: 0, skip: 0, disabled: 0, assumedPass: 0 }
  for (const { kind, isAssumed } of outcomes) {
    counts[kind]++
    if (isAssumed) counts.assumedPass++
  }
  return counts
}
