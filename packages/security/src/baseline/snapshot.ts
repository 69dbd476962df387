import { MAX_CHECK_CHARACTERS } from '../ingestion/baseline.ts'
import type { BaselineCheck, BaselineRecord } from '../ingestion/record.ts'
import {
  type CheckState,
  CIS_BENCHMARK,
  checkKey,
  compareChecks,
  type DeviceBaseline,
  KEY_CHARACTERS,
  LEGACY_BENCHMARK,
  MAX_BASELINE_CHARACTERS,
  MAX_BENCHMARK_CHARACTERS,
  MAX_CHECKS,
} from './baseline.ts'
import { nameCheck } from './check-id.ts'
import { type DisabledChecks, disabledMatcher, NOTHING_DISABLED } from './disabled-checks.ts'

/** The first micro agents that report passes are of this version (security 06 §1). */
const TELLS_PASSES_FROM = [4, 2] as const
const MAX_ID_CHARACTERS = 128

/** What one run of a benchmark said; a check that it names twice is there as it was worst. */
export interface BaselineSnapshot {
  readonly deviceId: string
  readonly benchmark: string
  readonly timeMs: number
  readonly tellsPasses: boolean
  readonly leftOut: number
  readonly checks: readonly SnapshotCheck[]
}

type SnapshotCheck = Omit<CheckState, 'firstFailedMs' | 'lastChangedMs'>

/**
 * The snapshots in a record, one per benchmark. A legacy agent that sends an empty one has nothing
 * to complain about; one of an agent that tells passes says nothing. Pure.
 */
export function snapshotsIn({ header, checks }: BaselineRecord): readonly BaselineSnapshot[] {
  const byBenchmark = new Map<string, BaselineCheck[]>()
  for (const check of checks) {
    const benchmark = benchmarkOf(check, header.era)
    const same = byBenchmark.get(benchmark)
    if (same) same.push(check)
    else byBenchmark.set(benchmark, [check])
  }
  const isEmpty = checks.length === 0
  if (isEmpty && !agentTellsPasses(header, checks)) {
    byBenchmark.set(benchmarkOf({ benchmark: '' }, header.era), [])
  }
  return Array.from(byBenchmark, ([benchmark, ofBenchmark]) => {
    const all = worstOfEach(ofBenchmark.map(normaliseCheck), benchmark)
    const kept = all.slice(0, MAX_CHECKS)
    return {
      deviceId: header.ref.deviceId,
      benchmark,
      timeMs: header.timeMs,
      tellsPasses: agentTellsPasses(header, ofBenchmark),
      leftOut: all.length - kept.length,
      checks: kept,
    }
  })
}

/**
 * The baseline after a snapshot, which replaces the one before:
 *
 * - what an agent that tells no passes does not name has passed, if it was known;
 * - an error leaves a failure a failure;
 * - what is switched off and not named stays as it was, to be shown.
 *
 * A snapshot older than what is known changes nothing. Pure.
 *
 * @param disabled  what the configuration of the device switches off
 */
export function replaceSnapshot(
  before: DeviceBaseline | undefined,
  snapshot: BaselineSnapshot,
  disabled: DisabledChecks = NOTHING_DISABLED,
): DeviceBaseline {
  if (before !== undefined && snapshot.timeMs < before.evaluatedMs) return before
  const { deviceId, benchmark, timeMs, tellsPasses } = snapshot
  const known = new Map(before?.checks.map((check) => [checkKey(check, benchmark), check]))
  const named = snapshot.checks.map((check) => {
    const key = checkKey(check, benchmark)
    const next = nextState(known.get(key), check, timeMs)
    known.delete(key)
    return next
  })
  const isDisabled = disabledMatcher(disabled)
  const unnamed = [...known.values()].flatMap((check) =>
    isDisabled(check) ? [check] : unnamedState(check, snapshot),
  )
  const room = MAX_CHECKS - named.length
  const checks = withinBudget([...named, ...unnamed.slice(0, room)]).sort(compareChecks)
  const leftOut = snapshot.leftOut + Math.max(0, unnamed.length - room)
  return { deviceId, benchmark, evaluatedMs: timeMs, tellsPasses, leftOut, disabled, checks }
}

function nextState(
  before: CheckState | undefined,
  check: SnapshotCheck,
  timeMs: number,
): CheckState {
  // Whoever could not look again has not seen it mended.
  const stillFails = check.result === 'error' && before?.result === 'fail'
  const result = stillFails ? 'fail' : check.result
  const isSame = before?.result === result
  return {
    ...check,
    result,
    firstFailedMs: result === 'fail' ? before?.firstFailedMs || timeMs : 0,
    lastChangedMs: isSame ? before.lastChangedMs : timeMs,
  }
}

/** What a snapshot says about a known check that it does not name. */
function unnamedState(
  check: CheckState,
  { timeMs, tellsPasses }: BaselineSnapshot,
): readonly CheckState[] {
  // It is not among the checks any more.
  if (tellsPasses) return []
  if (check.result === 'pass') return [check]
  return [{ ...check, result: 'pass', error: '', firstFailedMs: 0, lastChangedMs: timeMs }]
}

function agentTellsPasses(
  { era, agentVersion }: BaselineRecord['header'],
  checks: readonly BaselineCheck[],
): boolean {
  if (era === 'legacy' || era === 'early') return false
  if (era !== 'micro') return true
  // Agents that name their benchmark are newer than all that kept passes to themselves.
  if (checks.some(({ benchmark, result }) => benchmark !== '' || isNoComplaint(result))) return true
  const [major = 0, minor = 0] = agentVersion.split('.').map(Number)
  const [fromMajor, fromMinor] = TELLS_PASSES_FROM
  return major > fromMajor || (major === fromMajor && minor >= fromMinor)
}

function isNoComplaint(result: BaselineCheck['result']): boolean {
  return result === 'pass' || result === 'skip'
}

/** The benchmark as we spell it; agents with only one do not name it. */
function benchmarkOf(
  { benchmark }: Pick<BaselineCheck, 'benchmark'>,
  era: BaselineRecord['header']['era'],
): string {
  const name = plain(benchmark).toLowerCase().slice(0, MAX_BENCHMARK_CHARACTERS)
  if (name === 'oms.linux.1') return LEGACY_BENCHMARK
  if (name !== '') return name
  if (era === 'rtos') return 'rtos'
  return era === 'micro' ? CIS_BENCHMARK : LEGACY_BENCHMARK
}

function normaliseCheck(check: BaselineCheck): SnapshotCheck {
  const { id, group } = nameCheck(check)
  return {
    id: plain(id).slice(0, MAX_ID_CHARACTERS),
    group: plain(group).slice(0, MAX_ID_CHARACTERS),
    severity: check.severity,
    description: check.description.slice(0, MAX_CHECK_CHARACTERS),
    remediation: check.remediation.slice(0, MAX_CHECK_CHARACTERS),
    result: check.result,
    error: check.error.slice(0, MAX_CHECK_CHARACTERS),
  }
}

/** A name without what cannot be seen. */
function plain(name: string): string {
  return name.replace(/\p{C}/gu, '').trim()
}

const BADNESS = { skip: 0, pass: 1, error: 2, fail: 3 } as const

function worstOfEach(
  checks: readonly SnapshotCheck[],
  benchmark: string,
): readonly SnapshotCheck[] {
  const worst = new Map<string, SnapshotCheck>()
  for (const check of checks) {
    const key = checkKey(check, benchmark)
    const other = worst.get(key)
    if (!other || BADNESS[check.result] > BADNESS[other.result]) worst.set(key, check)
  }
  return [...worst.values()]
}

/** The texts of one device stay within `MAX_BASELINE_CHARACTERS`; results are never lost to that. */
function withinBudget(checks: readonly CheckState[]): CheckState[] {
  let left = MAX_BASELINE_CHARACTERS
  return checks.map((check) => {
    const { description, remediation, error } = check
    left -= description.length + remediation.length + error.length
    return left >= 0 ? check : shortened(check)
  })
}

/** What a check is known by stays. */
function shortened(check: CheckState): CheckState {
  const description = check.description.slice(0, KEY_CHARACTERS)
  return { ...check, description, remediation: '', error: '' }
}
