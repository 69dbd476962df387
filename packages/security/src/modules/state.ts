import type { ConfigurationKeys } from '@twinward/protocol'
import { type ConfigurationStatus, configurationStatus } from '../configuration/status.ts'
import { type ConfigurationView, viewConfiguration } from '../configuration/view.ts'
import type { PlatformModule } from '../platform.ts'
import type { AgentState } from '../posture/agent-state.ts'

/**
 * Where a device's logical security module stands.
 *
 * - `absent`: there is none
 * - `provisioned`: created, its agent has never been here
 * - `pendingConfig`: it does not yet run what is desired
 * - `active`: it runs what is desired and speaks
 * - `configError`: it refuses or cannot apply what is desired
 * - `silent`: no security message for `SILENCE_LIMIT_MS`
 * - `suspended`: an operator switched the collection off
 * - `retired`: an operator took the device out of service
 */
export type ModuleState =
  | 'absent'
  | 'provisioned'
  | 'pendingConfig'
  | 'active'
  | 'configError'
  | 'silent'
  | 'suspended'
  | 'retired'

/** An agent that sent nothing for so long counts as silent. */
export const SILENCE_LIMIT_MS = 72 * 3_600_000

/**
 * The tag of the security module twin by which operators suspend or retire it:
 * `"suspended"` or `"retired"`; anything else means nothing.
 */
export const OPERATOR_STATE_TAG = 'securityState'

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
  keys: ConfigurationKeys = {},
): ModuleDescription {
  const configuration = viewConfiguration(module, keys)
  const status = configurationStatus(module, configuration, agent, nowMs)
  const state = moduleState(module, agent, nowMs, { view: configuration, status })
  return { state, configuration, configurationStatus: status }
}

interface Judged {
  readonly view: ConfigurationView
  readonly status: ConfigurationStatus
}

function moduleState(
  module: PlatformModule,
  agent: AgentState | undefined,
  nowMs: number,
  { view, status }: Judged,
): ModuleState {
  const wish = module.tags[OPERATOR_STATE_TAG]
  if (wish === 'retired') return 'retired'
  if (wish === 'suspended' || isCollectionOff(view)) return 'suspended'
  if (!hasBeenHere(module, agent)) return 'provisioned'
  if (isSilent(module, agent, nowMs)) return 'silent'
  if (status.state === 'failed') return 'configError'
  return status.state === 'applied' ? 'active' : 'pendingConfig'
}

function hasBeenHere(module: PlatformModule, agent: AgentState | undefined): boolean {
  const { connected, lastActivityMs, reported } = module
  const hasReported = Object.keys(reported).some((name) => !name.startsWith('$'))
  return connected || lastActivityMs > 0 || hasReported || (agent?.lastMessageMs ?? 0) > 0
}

/** An agent that never sent anything is measured from when it was last seen at all. */
function isSilent(module: PlatformModule, agent: AgentState | undefined, nowMs: number): boolean {
  const lastMessageMs = agent?.lastMessageMs ?? 0
  const spokeMs = lastMessageMs > 0 ? lastMessageMs : module.lastActivityMs
  return spokeMs > 0 && nowMs - spokeMs >= SILENCE_LIMIT_MS
}

/** Events about the agent itself; without them alone nothing is collected. */
const ABOUT_ITSELF: readonly string[] = [
  'eventPriorityDiagnostic',
  'eventPriorityConfigurationError',
  'eventPriorityDroppedEventsStatistics',
  'eventPriorityMessageStatistics',
  'eventPriorityOperational',
]

function isCollectionOff({ era, effective }: ConfigurationView): boolean {
  const names = Object.keys(effective)
  const isMicro = era === 'micro'
  const switches = isMicro
    ? names.filter((name) => name.endsWith('_Disabled'))
    : names.filter((name) => name.startsWith('eventPriority') && !ABOUT_ITSELF.includes(name))
  const off = isMicro ? true : 'Off'
  return switches.length > 0 && switches.every((name) => effective[name]?.value === off)
}
