import { hasTwinConfiguration } from '@twinward/protocol'
import type { PlatformModule } from '../platform.ts'
import type { AgentState } from '../posture/agent-state.ts'
import type { ConfigurationView } from './view.ts'

/**
 * - `applied`: the agent runs what is desired
 * - `pending`: it is connected and has had less than `APPLY_GRACE_MS`
 * - `offline`: it has not been there to read the change
 * - `failed`: it said so, or had its time and runs something else
 */
export type ConfigurationState = 'applied' | 'pending' | 'offline' | 'failed'

export interface ConfigurationStatus {
  readonly state: ConfigurationState
  /** One sentence for a person. */
  readonly reason: string
}

/** How long a connected agent may take to apply a change. */
export const APPLY_GRACE_MS = 15 * 60_000

/** Names shown in a reason. */
const SHOWN_NAMES = 5

/** Whether the desired configuration has arrived. Pure. */
export function configurationStatus(
  module: PlatformModule,
  view: ConfigurationView,
  agent: AgentState | undefined,
  nowMs: number,
): ConfigurationStatus {
  if (!hasTwinConfiguration(view.era)) {
    return { state: 'applied', reason: 'Agents of this era are configured when they are built.' }
  }
  if (view.failed) {
    const which = view.refused.length > 0 ? named(view.refused) : 'the configuration'
    return { state: 'failed', reason: `The agent refuses ${which}.` }
  }
  if (agent !== undefined && isTypeMismatch(agent, module.desiredUpdatedMs)) {
    return { state: 'failed', reason: 'The agent could not parse the configuration.' }
  }
  const drifting = view.drift.map(({ name }) => name)
  const isSettled = drifting.length === 0 && (view.acknowledged || view.era === 'micro')
  if (isSettled) return { state: 'applied', reason: 'The agent runs what is desired.' }
  if (!module.connected) {
    return { state: 'offline', reason: 'The agent is away and reads the change when it is back.' }
  }
  const what = view.acknowledged
    ? `The agent runs other values of ${named(drifting)}.`
    : 'The agent has not reported what it runs.'
  // A change made while the agent was away is new to it only now.
  const sinceMs = Math.max(module.desiredUpdatedMs, module.connectionChangedMs ?? 0)
  const state = nowMs - sinceMs < APPLY_GRACE_MS ? 'pending' : 'failed'
  return { state, reason: what }
}

/** Of the errors that agents report, only this one means that they dropped the whole update. */
function isTypeMismatch({ configErrorMs, configError }: AgentState, desiredMs: number): boolean {
  return configErrorMs > desiredMs && /typemismatch/i.test(configError)
}

function named(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_NAMES).join(', ')
  const more = names.length - SHOWN_NAMES
  return more > 0 ? `${shown} and ${more} more` : shown
}
