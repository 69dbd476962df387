import { HubError } from '@twinward/protocol'
import type { FindingStore, Page } from '../data/finding-store.ts'
import type { Serial } from '../serial.ts'
import {
  CIS_BENCHMARK,
  type DeviceBaseline,
  LEGACY_BENCHMARK,
  MAX_BENCHMARK_CHARACTERS,
} from './baseline.ts'
import type { BaselineStore, BaselineTotals, CheckFailure } from './baseline-store.ts'
import { nameCheck } from './check-id.ts'
import type { DisabledChecks } from './disabled-checks.ts'

/** Which check of which benchmark, and who fails it. */
export interface FailuresOfCheck extends Page<CheckFailure> {
  readonly benchmark: string
  readonly checkId: string
}

/** Baselines, as people look at them, and what configurations switch off in them. */
export class Baselines {
  readonly #findings: FindingStore
  readonly #changes: Serial

  /** @param changes  the evaluator changes baselines too; one after the other, nothing is lost */
  constructor(findings: FindingStore, changes: Serial) {
    this.#findings = findings
    this.#changes = changes
  }

  ofDevice(deviceId: string): Promise<readonly DeviceBaseline[]> {
    return this.#findings.baselines.ofDevice(deviceId)
  }

  list(filter: Parameters<BaselineStore['list']>[0]): Promise<Page<DeviceBaseline>> {
    return this.#findings.baselines.list(filter)
  }

  totals(): Promise<BaselineTotals> {
    return this.#findings.baselines.totals()
  }

  /**
   * Devices that fail a check.
   *
   * @param id  a CIS number, a CCE id, or as an agent spells it
   * @param benchmark  default: the one that has such ids
   */
  async failures(
    id: string,
    benchmark: string | undefined,
    page: { readonly limit: number; readonly continuationToken?: string },
  ): Promise<FailuresOfCheck> {
    const checkId = nameCheck({ id, group: '' }).id
    const of = (benchmark ?? benchmarkOfId(checkId)).toLowerCase()
    if (of.length > MAX_BENCHMARK_CHARACTERS) {
      const limit = `at most ${MAX_BENCHMARK_CHARACTERS} characters`
      throw new HubError('ArgumentInvalid', `The name of a benchmark has ${limit}.`)
    }
    const failures = await this.#findings.baselines.failures({ benchmark: of, checkId, ...page })
    return { benchmark: of, checkId, ...failures }
  }

  /**
   * Notes what the configuration of a device switches off, so that lists and sums of the fleet leave
   * it out. Writes only what is not as noted.
   *
   * @returns whether anything was written
   */
  async follow(deviceId: string, disabled: DisabledChecks): Promise<boolean> {
    const results = await this.#findings.baselines.results(deviceId)
    if (!results.some((one) => isOutdated(one, disabled))) return false
    return this.#changes.run(async () => {
      const baselines = (await this.ofDevice(deviceId))
        .filter((one) => isOutdated(one, disabled))
        .map((one) => ({ ...one, disabled }))
      if (baselines.length > 0) await this.#findings.commit({ baselines })
      return baselines.length > 0
    })
  }
}

function isOutdated(baseline: Pick<DeviceBaseline, 'disabled'>, disabled: DisabledChecks): boolean {
  return JSON.stringify(baseline.disabled) !== JSON.stringify(disabled)
}

/** Numbers with dots are of CIS. */
function benchmarkOfId(checkId: string): string {
  return /^\d+(\.\d+)+$/.test(checkId) ? CIS_BENCHMARK : LEGACY_BENCHMARK
}
