import { parseTimestamp } from '@twinward/protocol'
import type { SecurityEvent } from './record.ts'

/** How many messages an estimate looks back on. */
export const CLOCK_SAMPLES = 8

/**
 * The time of a message's newest event minus the time of its receipt, before any clamping. Events
 * wait in agents, so this is at most the error of the agent's clock, never more.
 */
export function newestOffset(events: readonly SecurityEvent[]): { clockOffsetMs?: number } {
  let newest: number | undefined
  for (const { header } of events) {
    const { timestampSent, timeMs, receivedMs } = header
    const sentMs = timestampSent === undefined ? timeMs : parseTimestamp(timestampSent)?.ms
    const offset = (sentMs ?? timeMs) - receivedMs
    if (newest === undefined || offset > newest) newest = offset
  }
  return newest === undefined ? {} : { clockOffsetMs: newest }
}

/**
 * How far an agent's clock is from the hub's, in ms; positive when it is ahead. The largest of the
 * last offsets: one message without delay among them is enough to tell delay from error.
 *
 * @param offsets  `clockOffsetMs` of the last messages, at most `CLOCK_SAMPLES` are used
 * @returns `undefined` before the first message
 */
export function estimateClockOffset(offsets: readonly number[]): number | undefined {
  const last = offsets.slice(-CLOCK_SAMPLES)
  return last.length === 0 ? undefined : Math.max(...last)
}
