import { APPLY_GRACE_MS } from '../configuration/status.ts'
import type { Alert } from '../detection/alert.ts'
import type { PlatformModule } from '../platform.ts'
import type { AgentState } from '../posture/agent-state.ts'
import { BASELINE_AGE_LIMIT_MS, isOpenAlert } from '../posture/score.ts'
import { INACTIVE_AFTER_MS, lastSeenMs, lastSpokeMs, type ModuleDescription } from './state.ts'
import { suspendedUntilMs } from './suspension.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Ages at which an open alert weighs less in the score. */
const ALERT_AGES_MS = [DAY_MS, 7 * DAY_MS]
const COUNTED_HOURS = 24

export interface DueInput {
  readonly modules: readonly PlatformModule[]
  readonly module: PlatformModule
  readonly description: ModuleDescription
  readonly agent: AgentState | undefined
  readonly alerts: readonly Alert[]
  readonly silentAfterMs: number
  /** When its baseline was evaluated last; 0 = never. */
  readonly baselineMs?: number
}

/** When time alone will next change what is said about a device; 0 = never. Pure. */
export function nextDueMs(input: DueInput, nowMs: number): number {
  const { modules, module, description, agent, alerts, silentAfterMs, baselineMs = 0 } = input
  const seenMs = lastSeenMs(modules, agent)
  const spokeMs = lastSpokeMs(module, agent)
  const untilMs = suspendedUntilMs(module)
  // A suspension that is over is ended now, not in the past.
  const times = untilMs > 0 ? [Math.max(untilMs, nowMs + 1)] : []
  if (spokeMs > 0) times.push(spokeMs + silentAfterMs)
  if (seenMs > 0) times.push(seenMs + INACTIVE_AFTER_MS)
  if (description.configurationStatus.state === 'pending') {
    const sinceMs = Math.max(module.desiredUpdatedMs, module.connectionChangedMs ?? 0)
    times.push(sinceMs + APPLY_GRACE_MS)
  }
  // From then on it says nothing any more.
  if (baselineMs > 0) times.push(baselineMs + BASELINE_AGE_LIMIT_MS + 1)
  for (const { endTimeMs } of alerts.filter(isOpenAlert)) {
    // The older weight counts after that age, not at it.
    times.push(...ALERT_AGES_MS.map((ageMs) => endTimeMs + ageMs + 1))
  }
  for (const { hour, dropped, rejected } of agent?.hours ?? []) {
    if (dropped + rejected > 0) times.push((hour + COUNTED_HOURS) * HOUR_MS)
  }
  const ahead = times.filter((timeMs) => timeMs > nowMs)
  return ahead.length === 0 ? 0 : Math.min(...ahead)
}
