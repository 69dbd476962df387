import { countOfRecord, isCountedByHub } from '../activity/counted.ts'
import { judgeCount, windowStart } from '../activity/windows.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import type { TimeWindowRule } from './security-group.ts'

/**
 * A rule on time windows, tried on stored records that come newest first. It tells of a window once,
 * with the record by which there are too many; that there are too few no record tells.
 */
export class WindowTrial {
  readonly rule: TimeWindowRule
  /** The window under way; nothing newer comes any more. */
  #startMs = Number.POSITIVE_INFINITY
  readonly #counts = new Map<string, number>()

  constructor(rule: TimeWindowRule) {
    this.rule = rule
  }

  /** Enabled rules that stored records decide. */
  static of(rules: readonly TimeWindowRule[]): readonly WindowTrial[] {
    const tried = rules.filter((rule) => rule.isEnabled && !isCountedByHub(rule.ruleType))
    return tried.map((rule) => new WindowTrial(rule))
  }

  /** @returns whether the record's window has too many of its device from now on */
  take(record: SecurityRecord): boolean {
    const { ruleType, timeWindowMs } = this.rule
    const counted = countOfRecord(ruleType, record)
    if (!counted) return false
    const startMs = windowStart(counted.timeMs, timeWindowMs)
    if (startMs < this.#startMs) this.#counts.clear()
    this.#startMs = Math.min(startMs, this.#startMs)
    const { deviceId } = record.header.ref
    const before = this.#counts.get(deviceId) ?? 0
    const after = before + counted.times
    this.#counts.set(deviceId, after)
    return this.#isAbove(after) && !this.#isAbove(before)
  }

  #isAbove(count: number): boolean {
    return judgeCount(this.rule, count, false) === 'above'
  }
}

/** What of an enabled rule on time windows is not tried; `undefined`: it is tried whole. */
export function notTried({ ruleType, minThreshold }: TimeWindowRule): string | undefined {
  if (isCountedByHub(ruleType)) return 'The hub counts this; there are no events of it.'
  return minThreshold === 0 ? undefined : 'Windows with too few are not looked for.'
}
