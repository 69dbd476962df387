import type { CheckCounts } from '../posture/score.ts'
import { type DisabledChecks, disabledMatcher } from './disabled-checks.ts'

/** Checks that are kept of one device and benchmark. */
export const MAX_CHECKS = 1_000
/** Benchmarks that are kept of one device; then the one that was evaluated the longest ago goes. */
export const MAX_BENCHMARKS = 8
/** Characters of texts that are kept of one device and benchmark; checks beyond lose their texts. */
export const MAX_BASELINE_CHARACTERS = 256 * 1024
export const MAX_BENCHMARK_CHARACTERS = 64

export const CHECK_SEVERITIES = ['critical', 'important', 'warning', 'informational'] as const
export type CheckSeverity = (typeof CHECK_SEVERITIES)[number]

export const CHECK_RESULTS = ['pass', 'fail', 'error', 'skip'] as const
export type CheckResult = (typeof CHECK_RESULTS)[number]

/** What a check is; many devices have the same ones. */
export interface CheckDefinition {
  readonly id: string
  readonly group: string
  readonly severity: CheckSeverity
  /** As the agent said it, at most `MAX_CHECK_CHARACTERS`. */
  readonly description: string
  readonly remediation: string
}

/** How a check came out on one device. */
export interface CheckState extends CheckDefinition {
  readonly result: CheckResult
  /** Why it could not be carried out; of a failure: why it could not be looked at again. */
  readonly error: string
  /** Since when it fails without having passed, ms since the epoch; 0 = it does not fail. */
  readonly firstFailedMs: number
  readonly lastChangedMs: number
}

/** The newest outcome of one benchmark on one device (security 06 §6). */
export interface DeviceBaseline {
  readonly deviceId: string
  /** `oms-linux-1`, `cis-dil-2.0.0`, `custom:<sha256 prefix>`, or what an agent named. */
  readonly benchmark: string
  readonly evaluatedMs: number
  /** Whether the agent tells what passed; else a known check that it does not name has passed. */
  readonly tellsPasses: boolean
  /** Checks of the last snapshot that found no room. */
  readonly leftOut: number
  /** What the device's configuration switched off when it was last looked at. */
  readonly disabled: DisabledChecks
  /** In the order of `compareChecks`. */
  readonly checks: readonly CheckState[]
}

/** Outcomes in numbers; `disabled` are in none of the others. */
export interface BaselineCounts extends CheckCounts {
  readonly skip: number
  readonly disabled: number
  /** Of `pass`: not told by the agent, but known to be among its checks. */
  readonly assumedPass: number
}

/** Two checks of a legacy benchmark may share an id, so what they say counts too. */
export function checkKey({ id, description }: CheckDefinition, benchmark: string): string {
  return benchmark === LEGACY_BENCHMARK ? `${id}\n${description.slice(0, KEY_CHARACTERS)}` : id
}

/** Of a description, what tells a check from others. */
export const KEY_CHARACTERS = 128

export const LEGACY_BENCHMARK = 'oms-linux-1'
export const CIS_BENCHMARK = 'cis-dil-2.0.0'
export const CUSTOM_PREFIX = 'custom:'

/** By id, numbers in it by value: `1.1.2` before `1.1.10`. */
export function compareChecks(a: CheckDefinition, b: CheckDefinition): number {
  return COLLATOR.compare(a.id, b.id) || compareTexts(a.description, b.description)
}

const COLLATOR = new Intl.Collator('en', { numeric: true })

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

/** Failures and errors that count: those that are not switched off. */
export function openChecks(baseline: DeviceBaseline): readonly CheckState[] {
  const isDisabled = disabledMatcher(baseline.disabled)
  return baseline.checks.filter(
    (check) => (check.result === 'fail' || check.result === 'error') && !isDisabled(check),
  )
}

/** pass / (pass + fail + error); `undefined` when nothing was checked. */
export function complianceOf({ pass, fail, error }: CheckCounts): number | undefined {
  const all = pass + fail + error
  return all === 0 ? undefined : pass / all
}
