import type { BaselineRecord } from '../ingestion/record.ts'
import { type DeviceBaseline, MAX_BENCHMARKS } from './baseline.ts'
import type { BaselineKey, BaselineStore, RepeatedBaseline } from './baseline-store.ts'
import type { DisabledChecks } from './disabled-checks.ts'
import { replaceSnapshot, snapshotsIn } from './snapshot.ts'

/** What a batch of messages changes in baselines: read once, kept here until all is committed. */
export class BaselineStep {
  readonly #store: Pick<BaselineStore, 'ofDevice'>
  /** By device, then benchmark. */
  readonly #known = new Map<string, Map<string, DeviceBaseline>>()
  readonly #changed = new Map<string, DeviceBaseline>()
  readonly #repeated = new Map<string, RepeatedBaseline>()
  readonly #removed = new Map<string, BaselineKey>()

  constructor(store: Pick<BaselineStore, 'ofDevice'>) {
    this.#store = store
  }

  async take(record: BaselineRecord): Promise<void> {
    const known = await this.#ofDevice(record.header.ref.deviceId)
    for (const snapshot of snapshotsIn(record)) {
      const before = known.get(snapshot.benchmark)
      const disabled = before?.disabled ?? anyOf(known)?.disabled
      const after = replaceSnapshot(before, snapshot, disabled)
      if (after === before) continue
      if (before !== undefined && isRepeat(before, after)) this.#repeat(known, after)
      else this.#put(known, after)
      if (known.size > MAX_BENCHMARKS) this.#drop(known, oldestOf(known, after))
    }
  }

  /** What the device's configuration switched off when it was last looked at. */
  async disabledOf(deviceId: string): Promise<DisabledChecks | undefined> {
    return anyOf(await this.#ofDevice(deviceId))?.disabled
  }

  changes(): {
    readonly baselines: readonly DeviceBaseline[]
    readonly removedBaselines: readonly BaselineKey[]
    readonly repeatedBaselines: readonly RepeatedBaseline[]
  } {
    return {
      baselines: [...this.#changed.values()],
      removedBaselines: [...this.#removed.values()],
      repeatedBaselines: [...this.#repeated.values()],
    }
  }

  #put(known: Map<string, DeviceBaseline>, baseline: DeviceBaseline): void {
    known.set(baseline.benchmark, baseline)
    this.#changed.set(keyOf(baseline), baseline)
    this.#removed.delete(keyOf(baseline))
    this.#repeated.delete(keyOf(baseline))
  }

  /** Most runs come out as the one before: only their time is written. */
  #repeat(known: Map<string, DeviceBaseline>, baseline: DeviceBaseline): void {
    const { deviceId, benchmark, evaluatedMs } = baseline
    if (this.#changed.has(keyOf(baseline))) {
      this.#put(known, baseline)
      return
    }
    known.set(benchmark, baseline)
    this.#repeated.set(keyOf(baseline), { deviceId, benchmark, evaluatedMs })
  }

  #drop(known: Map<string, DeviceBaseline>, baseline: DeviceBaseline): void {
    const { deviceId, benchmark } = baseline
    known.delete(benchmark)
    this.#changed.delete(keyOf(baseline))
    this.#repeated.delete(keyOf(baseline))
    this.#removed.set(keyOf(baseline), { deviceId, benchmark })
  }

  async #ofDevice(deviceId: string): Promise<Map<string, DeviceBaseline>> {
    const known = this.#known.get(deviceId)
    if (known) return known
    const stored = await this.#store.ofDevice(deviceId)
    const fresh = new Map(stored.map((one) => [one.benchmark, one]))
    this.#known.set(deviceId, fresh)
    return fresh
  }
}

function isRepeat(before: DeviceBaseline, after: DeviceBaseline): boolean {
  const { evaluatedMs } = after
  return JSON.stringify({ ...before, evaluatedMs }) === JSON.stringify(after)
}

function keyOf({ deviceId, benchmark }: BaselineKey): string {
  return `${deviceId}\n${benchmark}`
}

function anyOf(known: ReadonlyMap<string, DeviceBaseline>): DeviceBaseline | undefined {
  const [first] = known.values()
  return first
}

/** The one that was evaluated the longest ago, other than the newest. */
function oldestOf(
  known: ReadonlyMap<string, DeviceBaseline>,
  newest: DeviceBaseline,
): DeviceBaseline {
  let oldest = newest
  for (const one of known.values()) {
    if (one !== newest && (oldest === newest || one.evaluatedMs < oldest.evaluatedMs)) oldest = one
  }
  return oldest
}
