import type { TimeWindowRuleName } from '../groups/rule-types.ts'
import type { TimeWindowRule } from '../groups/security-group.ts'

/** So long after its end a window is judged: what belongs to it may come late by as much. */
export const WINDOW_GRACE_MS = 60_000
/** Windows of one device that are not judged yet: of each rule the last, the one before, one to come. */
export const MAX_OPEN_WINDOWS = 48

/** What was counted for a rule in a window that is not judged yet. */
export interface OpenWindow {
  readonly ruleType: TimeWindowRuleName
  readonly startMs: number
  readonly sizeMs: number
  readonly count: number
}

/** All of them of one device; those without a count are left out. */
export interface DeviceWindows {
  readonly deviceId: string
  readonly open: readonly OpenWindow[]
}

/** Something that is counted. */
export interface Counted {
  readonly timeMs: number
  readonly times: number
}

/** The window of a time: windows follow one another without a gap from the epoch on, in UTC. */
export function windowStart(timeMs: number, sizeMs: number): number {
  return Math.floor(timeMs / sizeMs) * sizeMs
}

/** When a window is judged. */
export function dueMs({ startMs, sizeMs }: Pick<OpenWindow, 'startMs' | 'sizeMs'>): number {
  return startMs + sizeMs + WINDOW_GRACE_MS
}

/**
 * The windows after something was counted for a rule. What belongs to a window that was judged counts
 * to the one of `nowMs`, so that nothing that comes late goes uncounted; so does what is to come. Pure.
 *
 * @param judgedMs  every window that was due by then has been judged
 */
export function countFor(
  windows: readonly OpenWindow[],
  { ruleType, timeWindowMs: sizeMs }: Pick<TimeWindowRule, 'ruleType' | 'timeWindowMs'>,
  { timeMs, times }: Counted,
  { nowMs, judgedMs }: { readonly nowMs: number; readonly judgedMs: number },
): readonly OpenWindow[] {
  const ownMs = windowStart(Math.min(timeMs, nowMs), sizeMs)
  const isJudged = dueMs({ startMs: ownMs, sizeMs }) <= judgedMs
  const startMs = isJudged ? windowStart(nowMs, sizeMs) : ownMs
  const isIt = (window: OpenWindow) =>
    window.ruleType === ruleType && window.startMs === startMs && window.sizeMs === sizeMs
  const before = windows.find(isIt)
  const after = { ruleType, startMs, sizeMs, count: (before?.count ?? 0) + times }
  const others = windows.filter((window) => !isIt(window))
  return [...others, after].slice(-MAX_OPEN_WINDOWS)
}

/** How a count is outside of what the rule allows. */
export type Violation = 'above' | 'below'

/**
 * Whether a window breaks its rule. Too few is only said of a window that was seen whole. Pure.
 *
 * @param isWhole  the device was connected, and all of it was counted, from the window's start to its end
 */
export function judgeCount(
  { minThreshold, maxThreshold }: Pick<TimeWindowRule, 'minThreshold' | 'maxThreshold'>,
  count: number,
  isWhole: boolean,
): Violation | undefined {
  if (count > maxThreshold) return 'above'
  return isWhole && count < minThreshold ? 'below' : undefined
}
