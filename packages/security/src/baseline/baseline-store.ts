import type { Page } from '../data/finding-store.ts'
import type { BaselineResult } from '../posture/score.ts'
import type { BaselineCounts, CheckResult, DeviceBaseline } from './baseline.ts'

/** Checks that a summary names; the others are in its totals. */
export const MAX_SUMMARY_CHECKS = 1_000
/** Benchmarks that a summary names: devices choose how they call them. */
export const MAX_SUMMARY_BENCHMARKS = 100

/** A device that fails a check, or cannot carry it out. */
export interface CheckFailure {
  readonly deviceId: string
  readonly result: Extract<CheckResult, 'fail' | 'error'>
  /** Since when it fails, or last became an error. */
  readonly sinceMs: number
}

/** A baseline in numbers, with what was switched off when they were counted. */
export interface StoredResult extends Pick<DeviceBaseline, 'benchmark' | 'disabled'> {
  readonly result: BaselineResult
}

/** Which baseline; each device has one of a benchmark at most. */
export type BaselineKey = Pick<DeviceBaseline, 'deviceId' | 'benchmark'>

/** A baseline that was evaluated once more, with the same outcome. */
export interface RepeatedBaseline extends BaselineKey {
  readonly evaluatedMs: number
}

/** All devices with one benchmark. */
export interface BenchmarkTotals extends Omit<BaselineCounts, 'assumedPass'> {
  readonly benchmark: string
  readonly devices: number
}

/** How many devices one check is open on. */
export interface CheckTotals {
  readonly benchmark: string
  readonly checkId: string
  readonly failing: number
  readonly errors: number
}

export interface BaselineTotals {
  /** The one with the most devices first, at most `MAX_SUMMARY_BENCHMARKS`. */
  readonly benchmarks: readonly BenchmarkTotals[]
  /** The one with the most devices first, at most `MAX_SUMMARY_CHECKS`. */
  readonly checks: readonly CheckTotals[]
}

/**
 * The newest baselines of all devices. They are written by `FindingStore.commit`, with the findings of
 * the same messages, and go with their device. Adapters: `adapters/memory`, `adapters/sqlite`; each
 * passes `test/contracts/baseline-store.ts`. Lists throw and end as those of `FindingStore`.
 */
export interface BaselineStore {
  /** Of one device, in numbers only: asked at every look at a device. By benchmark. */
  results(deviceId: string): Promise<readonly StoredResult[]>
  /** Of one device, by benchmark. */
  ofDevice(deviceId: string): Promise<readonly DeviceBaseline[]>
  /** By device, then benchmark (code units). */
  list(filter: {
    readonly benchmark?: string
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<DeviceBaseline>>
  /** Devices on which a check is open and not switched off, by their ids. */
  failures(filter: {
    readonly benchmark: string
    readonly checkId: string
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<CheckFailure>>
  /** Kept, not counted anew. */
  totals(): Promise<BaselineTotals>
}
