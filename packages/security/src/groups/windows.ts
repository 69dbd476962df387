import type { WeeklyWindow } from './group-settings.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** Whether one of the windows is open at a time. Pure. */
export function isWithinWindow(windows: readonly WeeklyWindow[], timeMs: number): boolean {
  return windows.some((window) => isOpen(window, timeMs))
}

/** A window may have begun on a day before, so as many are looked at as it is long. */
function isOpen({ days, startMinute, durationMinutes }: WeeklyWindow, timeMs: number): boolean {
  const midnightMs = Math.floor(timeMs / DAY_MS) * DAY_MS
  const durationMs = durationMinutes * MINUTE_MS
  for (let dayMs = midnightMs; dayMs > timeMs - durationMs - DAY_MS; dayMs -= DAY_MS) {
    const isDay = days.length === 0 || days.includes(new Date(dayMs).getUTCDay())
    const startMs = dayMs + startMinute * MINUTE_MS
    if (isDay && startMs <= timeMs && timeMs < startMs + durationMs) return true
  }
  return false
}
