import type { ConfigurationKeys } from '@twinward/protocol'
import { type ConfigurationStatus, configurationStatus } from '../configuration/status.ts'
import { type ConfigurationView, viewConfiguration } from '../configuration/view.ts'
import type { PlatformModule } from '../platform.ts'
import type { AgentState } from '../posture/agent-state.ts'
import { collectionSwitches, switchedOff } from './collection.ts'

/**
 * Where a device's logical security module stands.
 *
 * - `absent`: there is none
 * - `provisioned`: created, its agent has never been here
 * - `pendingConfig`: it does not yet run what is desired
 * - `active`: it runs what is desired and speaks
 * - `configError`: it refuses or cannot apply what is desired
 * - `silent`: no security message for `SILENCE_LIMIT_MS`, or what the hub's operator chose
 * - `suspended`: an operator switched the collection off
 * - `retired`: an operator took the device out of service; what it was stays readable
 */
export type ModuleState = (typeof MODULE_STATES)[number]

export const MODULE_STATES = [
  'absent',
  'provisioned',
  'pendingConfig',
  'active',
  'configError',
  'silent',
  'suspended',
  'retired',
] as const

/** An agent that sent nothing for so long counts as silent. */
export const SILENCE_LIMIT_MS = 72 * 3_600_000

/** A device that nobody has seen for so long counts as inactive, whatever its state. */
export const INACTIVE_AFTER_MS = 60 * 24 * 3_600_000

/**
 * The tag of the security module twin by which operators suspend or retire it:
 * `"suspended"` or `"retired"`; anything else means nothing.
 */
export const OPERATOR_STATE_TAG = 'securityState'

export interface DescribeOptions {
  readonly keys?: ConfigurationKeys
  /** Default `SILENCE_LIMIT_MS`. */
  readonly silentAfterMs?: number
}

/** All that is derived from one module twin and what its agent sent. */
export interface ModuleDescription {
  readonly state: ModuleState
  readonly configuration: ConfigurationView
  readonly configurationStatus: ConfigurationStatus
}

/** Describes a security module. Pure. */
export function describeModule(
  module: PlatformModule,
  agent: AgentState | undefined,
  nowMs: number,
  { keys = {}, silentAfterMs = SILENCE_LIMIT_MS }: DescribeOptions = {},
): ModuleDescription {
  const configuration = viewConfiguration(module, keys)
  const status = configurationStatus(module, configuration, agent, nowMs)
  const spokeMs = lastSpokeMs(module, agent)
  const isSilent = spokeMs > 0 && nowMs - spokeMs >= silentAfterMs
  const state = moduleState(module, agent, { view: configuration, status, isSilent })
  return { state, configuration, configurationStatus: status }
}

interface Judged {
  readonly view: ConfigurationView
  readonly status: ConfigurationStatus
  readonly isSilent: boolean
}

function moduleState(
  module: PlatformModule,
  agent: AgentState | undefined,
  { view, status, isSilent }: Judged,
): ModuleState {
  const wish = module.tags[OPERATOR_STATE_TAG]
  if (wish === 'retired') return 'retired'
  if (wish === 'suspended' || isCollectionOff(view)) return 'suspended'
  if (!hasBeenHere(module, agent)) return 'provisioned'
  if (isSilent) return 'silent'
  if (status.state === 'failed') return 'configError'
  return status.state === 'applied' ? 'active' : 'pendingConfig'
}

function hasBeenHere(module: PlatformModule, agent: AgentState | undefined): boolean {
  const { connected, lastActivityMs, reported } = module
  const hasReported = Object.keys(reported).some((name) => !name.startsWith('$'))
  return connected || lastActivityMs > 0 || hasReported || (agent?.lastMessageMs ?? 0) > 0
}

/** An agent that never sent anything is measured from when it was last seen at all; 0 = never. */
export function lastSpokeMs(module: PlatformModule, agent: AgentState | undefined): number {
  const lastMessageMs = agent?.lastMessageMs ?? 0
  return lastMessageMs > 0 ? lastMessageMs : module.lastActivityMs
}

/** When anything of the device's security was last seen, in any way; 0 = never. */
export function lastSeenMs(
  modules: readonly PlatformModule[],
  agent: AgentState | undefined,
): number {
  return Math.max(agent?.lastMessageMs ?? 0, ...modules.map((module) => module.lastActivityMs))
}

function isCollectionOff({ era, effective }: ConfigurationView): boolean {
  const switches = collectionSwitches(era)
  const off = switchedOff(era)
  return switches.length > 0 && switches.every((name) => effective[name]?.value === off)
}
