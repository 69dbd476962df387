import { parseDuration } from '@twinward/protocol'
import type { ConfigurationView } from '../configuration/view.ts'
import { INACTIVE_AFTER_MS, lastSeenMs } from '../modules/state.ts'
import type { PlatformModule } from '../platform.ts'
import type { AgentState } from './agent-state.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_HOURS = 24

/** What an agent did in the last 24 hours, by the hour. */
export interface DayCounts {
  readonly messages: number
  readonly events: number
  /** Events that the agent said it lost. */
  readonly dropped: number
  /** Messages and events that were refused. */
  readonly rejected: number
}

/** Pure. */
export function countDay(agent: AgentState | undefined, nowMs: number): DayCounts {
  const sinceHour = Math.floor(nowMs / HOUR_MS) - DAY_HOURS
  const sum = { messages: 0, events: 0, dropped: 0, rejected: 0 }
  for (const { hour, messages, events, dropped, rejected } of agent?.hours ?? []) {
    if (hour <= sinceHour) continue
    sum.messages += messages
    sum.events += events
    sum.dropped += dropped
    sum.rejected += rejected
  }
  return sum
}

/**
 * When the next message is due at the latest, by the agent's configuration: a legacy agent takes
 * snapshots, which wait for a message of low priority at most; a micro agent sends its slowest class.
 * 0 = not known. Pure.
 */
export function nextExpectedMs(
  { era, effective }: ConfigurationView,
  agent: AgentState | undefined,
): number {
  const lastMs = agent?.lastMessageMs ?? 0
  if (lastMs === 0) return 0
  const durationOf = (name: string) => {
    const value = effective[name]?.value
    return typeof value === 'string' ? parseDuration(value) : undefined
  }
  if (era === 'legacy' || era === 'early') {
    const snapshotMs = durationOf('snapshotFrequency')
    const lowMs = durationOf('lowPriorityMessageFrequency')
    return snapshotMs === undefined || lowMs === undefined ? 0 : lastMs + snapshotMs + lowMs
  }
  const intervals = effective.CollectorsCore_PriorityIntervals?.value
  const minutes = typeof intervals === 'string' ? intervals.split(',').map(Number) : []
  const slowest = Math.max(0, ...minutes)
  return Number.isFinite(slowest) && slowest > 0 ? lastMs + slowest * MINUTE_MS : 0
}

/** Since when nobody has seen anything of the device, once that is long ago; 0 = it is active. Pure. */
export function inactiveSinceMs(
  modules: readonly PlatformModule[],
  agent: AgentState | undefined,
  nowMs: number,
): number {
  const seenMs = lastSeenMs(modules, agent)
  return seenMs > 0 && nowMs - seenMs >= INACTIVE_AFTER_MS ? seenMs : 0
}
