import { type DeviceBaseline, openChecks } from '../../baseline/baseline.ts'
import {
  type BaselineStore,
  type BaselineTotals,
  type BenchmarkTotals,
  type CheckFailure,
  type CheckTotals,
  MAX_SUMMARY_BENCHMARKS,
  MAX_SUMMARY_CHECKS,
  type StoredResult,
} from '../../baseline/baseline-store.ts'
import { countBaseline, resultOf } from '../../baseline/counts.ts'
import type { FindingBatch, Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'

/** Baselines until the process ends, kept as JSON texts so that nobody shares an object with us. */
export class MemoryBaselines implements BaselineStore {
  /** By device, then benchmark. */
  readonly #texts = new Map<string, Map<string, string>>()

  commit({ baselines = [], removedBaselines = [], repeatedBaselines = [] }: FindingBatch): void {
    for (const { deviceId, benchmark, evaluatedMs } of repeatedBaselines) {
      const ofDevice = this.#texts.get(deviceId)
      const text = ofDevice?.get(benchmark)
      if (text === undefined) continue
      ofDevice?.set(benchmark, JSON.stringify({ ...JSON.parse(text), evaluatedMs }))
    }
    for (const { deviceId, benchmark } of removedBaselines) {
      this.#texts.get(deviceId)?.delete(benchmark)
    }
    for (const baseline of baselines) {
      const { deviceId, benchmark } = baseline
      const ofDevice = this.#texts.get(deviceId) ?? new Map<string, string>()
      this.#texts.set(deviceId, ofDevice.set(benchmark, JSON.stringify(baseline)))
    }
  }

  removeDevice(deviceId: string): void {
    this.#texts.delete(deviceId)
  }

  async ofDevice(deviceId: string): Promise<readonly DeviceBaseline[]> {
    return this.#all().filter((one) => one.deviceId === deviceId)
  }

  async results(deviceId: string): Promise<readonly StoredResult[]> {
    return (await this.ofDevice(deviceId)).map((one) => ({
      benchmark: one.benchmark,
      disabled: one.disabled,
      result: resultOf(one),
    }))
  }

  async list({
    benchmark,
    limit,
    continuationToken: token,
  }: Parameters<BaselineStore['list']>[0]): Promise<Page<DeviceBaseline>> {
    checkLimit(limit)
    const after = token === undefined ? '' : parsePageToken('baselines', token).id
    const [deviceId = '', of = ''] = after.split('\n')
    const rest = this.#all().filter(
      (one) =>
        (benchmark === undefined || one.benchmark === benchmark) &&
        (one.deviceId > deviceId || (one.deviceId === deviceId && one.benchmark > of)),
    )
    const items = rest.slice(0, limit)
    const last = items.at(-1)
    const id = `${last?.deviceId}\n${last?.benchmark}`
    const next = rest.length > limit ? formatPageToken('baselines', { order: 0, id }) : null
    return { items, continuationToken: next }
  }

  async failures({
    benchmark,
    checkId,
    limit,
    continuationToken: token,
  }: Parameters<BaselineStore['failures']>[0]): Promise<Page<CheckFailure>> {
    checkLimit(limit)
    const after = token === undefined ? '' : parsePageToken('baseline-failures', token).id
    const rest = this.#all()
      .filter((one) => one.benchmark === benchmark && one.deviceId > after)
      .flatMap((one) => failureOf(one, checkId) ?? [])
    const items = rest.slice(0, limit)
    const id = items.at(-1)?.deviceId ?? ''
    const next = rest.length > limit ? formatPageToken('baseline-failures', { order: 0, id }) : null
    return { items, continuationToken: next }
  }

  async totals(): Promise<BaselineTotals> {
    const benchmarks = new Map<string, BenchmarkTotals>()
    const checks = new Map<string, CheckTotals>()
    for (const one of this.#all()) {
      const { benchmark } = one
      benchmarks.set(benchmark, addCounts(benchmarks.get(benchmark), one))
      for (const checkId of new Set(openChecks(one).map(({ id }) => id))) {
        const key = `${benchmark}\n${checkId}`
        checks.set(
          key,
          addFailure(checks.get(key), { benchmark, checkId }, failureOf(one, checkId)),
        )
      }
    }
    return {
      benchmarks: [...benchmarks.values()]
        .sort((a, b) => b.devices - a.devices || byText(a.benchmark, b.benchmark))
        .slice(0, MAX_SUMMARY_BENCHMARKS),
      checks: [...checks.values()].sort(byDevices).slice(0, MAX_SUMMARY_CHECKS),
    }
  }

  /** By device, then benchmark. */
  #all(): readonly DeviceBaseline[] {
    return [...this.#texts.values()]
      .flatMap((texts) => Array.from(texts.values(), (text) => JSON.parse(text) as DeviceBaseline))
      .sort((a, b) => byText(a.deviceId, b.deviceId) || byText(a.benchmark, b.benchmark))
  }
}

/** Two checks of one id are one here; a failure counts before an error. */
function failureOf(baseline: DeviceBaseline, checkId: string): CheckFailure | undefined {
  const open = openChecks(baseline).filter(({ id }) => id === checkId)
  const worst = open.findLast(({ result }) => result === 'fail') ?? open[0]
  if (worst === undefined) return undefined
  const { result, firstFailedMs, lastChangedMs } = worst
  const sinceMs = firstFailedMs || lastChangedMs
  return { deviceId: baseline.deviceId, result: result === 'fail' ? 'fail' : 'error', sinceMs }
}

function addCounts(sum: BenchmarkTotals | undefined, baseline: DeviceBaseline): BenchmarkTotals {
  const { pass, fail, error, skip, disabled } = countBaseline(baseline)
  return {
    benchmark: baseline.benchmark,
    devices: (sum?.devices ?? 0) + 1,
    pass: (sum?.pass ?? 0) + pass,
    fail: (sum?.fail ?? 0) + fail,
    error: (sum?.error ?? 0) + error,
    skip: (sum?.skip ?? 0) + skip,
    disabled: (sum?.disabled ?? 0) + disabled,
  }
}

function addFailure(
  sum: CheckTotals | undefined,
  check: Pick<CheckTotals, 'benchmark' | 'checkId'>,
  failure: CheckFailure | undefined,
): CheckTotals {
  return {
    ...check,
    failing: (sum?.failing ?? 0) + Number(failure?.result === 'fail'),
    errors: (sum?.errors ?? 0) + Number(failure?.result === 'error'),
  }
}

function byDevices(a: CheckTotals, b: CheckTotals): number {
  return (
    b.failing + b.errors - a.failing - a.errors ||
    byText(a.benchmark, b.benchmark) ||
    byText(a.checkId, b.checkId)
  )
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
