import type { SecurityGroup, TimeWindowRule } from '../groups/security-group.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import { countOfRecord, countOfUse, isCountedByHub } from './counted.ts'
import type { DeviceUse } from './hub-activity.ts'
import { type Counted, countFor, type DeviceWindows, dueMs, type OpenWindow } from './windows.ts'

/** Devices with open windows; further ones are not counted, and said in the log. */
export const MAX_WINDOW_DEVICES = 200_000

/** What is asked of security groups. */
export interface WindowGroups {
  list(): readonly SecurityGroup[]
  find(name: string): SecurityGroup | undefined
  groupOf(deviceId: string): Promise<string>
  /** Enabled ones. */
  timeWindowRulesOf(group: string): readonly TimeWindowRule[]
}

const NONE: readonly OpenWindow[] = []

/**
 * What was counted in windows that are not judged yet, of devices whose group has rules on time
 * windows. It is kept in memory and in the store; a stage is one step's changes until they are durable.
 */
export class WindowCounts {
  readonly #groups: WindowGroups
  readonly #devices = new Map<string, DeviceWindows>()
  /** Every window that was due by then has been judged. */
  judgedMs = 0
  #nextDueMs = Number.POSITIVE_INFINITY
  #uncounted = 0

  constructor(groups: WindowGroups) {
    this.#groups = groups
  }

  /** Devices that were not counted because there were too many. */
  get uncounted(): number {
    return this.#uncounted
  }

  /** When the first window is due. */
  get nextDueMs(): number {
    return this.#nextDueMs
  }

  get devices(): Iterable<DeviceWindows> {
    return this.#devices.values()
  }

  of(deviceId: string): readonly OpenWindow[] {
    return this.#devices.get(deviceId)?.open ?? NONE
  }

  /** Takes what is durable. */
  adopt(changed: Iterable<DeviceWindows>): void {
    for (const windows of changed) {
      if (windows.open.length === 0) this.#devices.delete(windows.deviceId)
      else this.#devices.set(windows.deviceId, windows)
      for (const window of windows.open) {
        this.#nextDueMs = Math.min(this.#nextDueMs, dueMs(window))
      }
    }
  }

  /** Looks again when the next one is due, after some were judged. */
  refresh(): void {
    this.#nextDueMs = Number.POSITIVE_INFINITY
    this.adopt([...this.#devices.values()])
  }

  forget(deviceId: string): void {
    this.#devices.delete(deviceId)
  }

  /** Begins a step. */
  stage(): WindowStage {
    return new WindowStage(this)
  }

  /** Whether any group has such rules; most hubs have none, and then no device is looked up. */
  hasRules(): boolean {
    const groups = this.#groups.list()
    return groups.some(({ name }) => this.#groups.timeWindowRulesOf(name).length > 0)
  }

  /** The rules on time windows that hold for a device. */
  async rulesFor(deviceId: string): Promise<readonly TimeWindowRule[]> {
    return this.#groups.timeWindowRulesOf(await this.#groups.groupOf(deviceId))
  }

  /** Whether there is room for one more device. */
  hasRoomFor(deviceId: string, staged: number): boolean {
    if (this.#devices.has(deviceId) || this.#devices.size + staged < MAX_WINDOW_DEVICES) return true
    this.#uncounted++
    return false
  }
}

/** The counts of one step, to be committed with it. */
export class WindowStage {
  readonly #counts: WindowCounts
  readonly #changed = new Map<string, DeviceWindows>()
  #hasRules: boolean | undefined

  constructor(counts: WindowCounts) {
    this.#counts = counts
  }

  /** Counts a minute of a device at the hub. */
  async countUse(use: DeviceUse, minuteMs: number, nowMs: number): Promise<void> {
    for (const rule of await this.#rulesFor(use.deviceId)) {
      const times = countOfUse(rule.ruleType, use)
      if (times > 0) this.#count(use.deviceId, rule, { timeMs: minuteMs, times }, nowMs)
    }
  }

  /** Counts records of a device's agent. */
  async countRecords(
    deviceId: string,
    records: readonly SecurityRecord[],
    nowMs: number,
  ): Promise<void> {
    if (!records.some(({ kind }) => kind === 'conn' || kind === 'login')) return
    for (const rule of await this.#rulesFor(deviceId)) {
      if (isCountedByHub(rule.ruleType)) continue
      for (const record of records) {
        const counted = countOfRecord(rule.ruleType, record)
        if (counted) this.#count(deviceId, rule, counted, nowMs)
      }
    }
  }

  changes(): readonly DeviceWindows[] {
    return [...this.#changed.values()]
  }

  /** To be called once the changes are durable. */
  adopt(): void {
    this.#counts.adopt(this.#changed.values())
  }

  async #rulesFor(deviceId: string): Promise<readonly TimeWindowRule[]> {
    this.#hasRules ??= this.#counts.hasRules()
    return this.#hasRules ? this.#counts.rulesFor(deviceId) : []
  }

  #count(deviceId: string, rule: TimeWindowRule, counted: Counted, nowMs: number): void {
    const staged = this.#changed.get(deviceId)
    if (!staged && !this.#counts.hasRoomFor(deviceId, this.#changed.size)) return
    const open = staged?.open ?? this.#counts.of(deviceId)
    const { judgedMs } = this.#counts
    const after = countFor(open, rule, counted, { nowMs, judgedMs })
    this.#changed.set(deviceId, { deviceId, open: after })
  }
}
