import type { TimeWindowRule } from '../groups/security-group.ts'
import type { Coverage } from './coverage.ts'
import type { HubActivity } from './hub-activity.ts'
import type { Raiser } from './raiser.ts'
import type { WindowCounts, WindowGroups } from './window-counts.ts'
import { windowFinding } from './window-findings.ts'
import {
  type DeviceWindows,
  dueMs,
  judgeCount,
  type OpenWindow,
  WINDOW_GRACE_MS,
  windowStart,
} from './windows.ts'

interface Parts {
  readonly counts: WindowCounts
  readonly groups: WindowGroups
  readonly coverage: Coverage
  readonly activity: Pick<HubActivity, 'connectedSince'>
}

interface Looked {
  readonly deviceId: string
  readonly sizeMs: number
  readonly nowMs: number
}

/** Decides about windows that are over. */
export class WindowJudge {
  readonly #parts: Parts
  /** Of each size: the end of the last window that was looked at for too few. */
  readonly #lookedMs = new Map<number, number>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Devices with windows that are due. */
  due(nowMs: number): readonly DeviceWindows[] {
    const { counts } = this.#parts
    if (nowMs < counts.nextDueMs) return []
    return [...counts.devices].filter(({ open }) => open.some((window) => dueMs(window) <= nowMs))
  }

  /**
   * Judges the windows of one device that are due, for too much.
   *
   * @returns its windows without them
   */
  async judge(
    { deviceId, open }: DeviceWindows,
    nowMs: number,
    raiser: Raiser,
  ): Promise<DeviceWindows> {
    const rules = await this.#parts.counts.rulesFor(deviceId)
    for (const window of open.toSorted((a, b) => a.startMs - b.startMs)) {
      const rule = dueMs(window) <= nowMs ? ruleOf(window, rules) : undefined
      if (rule && judgeCount(rule, window.count, false)) await raise(deviceId, window, rule, raiser)
    }
    return { deviceId, open: open.filter((window) => dueMs(window) > nowMs) }
  }

  /**
   * Sizes of windows, of rules with a least count, whose newest window is over and was not looked at yet.
   * Of several that ended meanwhile only the newest is: nobody knows who was connected in the others.
   */
  endedSizes(nowMs: number): readonly number[] {
    const { groups } = this.#parts
    const sizes = new Set(
      groups.list().flatMap(({ name }) => leastRules(groups.timeWindowRulesOf(name)).map(sizeOf)),
    )
    for (const size of this.#lookedMs.keys()) if (!sizes.has(size)) this.#lookedMs.delete(size)
    return [...sizes].filter((size) => {
      const endMs = lastEnd(nowMs, size)
      const lookedMs = this.#lookedMs.get(size)
      if (lookedMs === undefined) this.#lookedMs.set(size, endMs)
      return lookedMs !== undefined && lookedMs < endMs
    })
  }

  /** Devices that were connected for the whole of the newest window of that size that is over. */
  async connectedDuring(sizeMs: number, nowMs: number): Promise<readonly string[]> {
    const startMs = lastEnd(nowMs, sizeMs) - sizeMs
    return this.#parts.activity.connectedSince(startMs)
  }

  /** Judges that window of one such device for too little. */
  async judgeLeast({ deviceId, sizeMs, nowMs }: Looked, raiser: Raiser): Promise<void> {
    const { counts, coverage } = this.#parts
    const startMs = lastEnd(nowMs, sizeMs) - sizeMs
    const rules = leastRules(await counts.rulesFor(deviceId)).filter((r) => sizeOf(r) === sizeMs)
    if (rules.length === 0) return
    for (const rule of rules) {
      const { ruleType } = rule
      const counted = counts
        .of(deviceId)
        .find((one) => one.startMs === startMs && ruleOf(one, [rule]))
      const window = counted ?? { ruleType, startMs, sizeMs, count: 0 }
      const isWhole = await coverage.isWhole(deviceId, startMs)
      if (judgeCount(rule, window.count, isWhole) === 'below') {
        await raise(deviceId, window, rule, raiser)
      }
    }
  }

  /** All devices were looked at for that window. */
  looked(sizeMs: number, nowMs: number): void {
    this.#lookedMs.set(sizeMs, lastEnd(nowMs, sizeMs))
  }
}

/** The end of the newest window that is due. */
function lastEnd(nowMs: number, sizeMs: number): number {
  return windowStart(nowMs - WINDOW_GRACE_MS, sizeMs)
}

function sizeOf({ timeWindowMs }: TimeWindowRule): number {
  return timeWindowMs
}

function leastRules(rules: readonly TimeWindowRule[]): readonly TimeWindowRule[] {
  return rules.filter(({ minThreshold }) => minThreshold > 0)
}

/** The rule as it is now; `undefined` when it is gone or its windows have another size. */
function ruleOf(
  { ruleType, sizeMs }: OpenWindow,
  rules: readonly TimeWindowRule[],
): TimeWindowRule | undefined {
  return rules.find((rule) => rule.ruleType === ruleType && rule.timeWindowMs === sizeMs)
}

/** Windows that follow one another without a pause are one alert. */
async function raise(
  deviceId: string,
  window: OpenWindow,
  rule: TimeWindowRule,
  raiser: Raiser,
): Promise<void> {
  const violation = window.count > rule.maxThreshold ? 'above' : 'below'
  await raiser.raise(windowFinding(deviceId, window, rule, violation), {
    belongsTo: ({ endTimeMs }) => endTimeMs >= window.startMs,
    endMs: window.startMs + window.sizeMs,
  })
}
