import { type ConfigurationKeys, eraOf, type JsonObject } from '@twinward/protocol'
import { formatTime } from './api/query.ts'
import { estimateClockOffset } from './ingestion/clock-offset.ts'
import { securityModules } from './modules/logical.ts'
import type { ModuleRecord } from './modules/record.ts'
import { resolveSecurityGroup } from './modules/security-group.ts'
import { OPERATOR_STATE_TAG } from './modules/state.ts'
import { OPERATOR_REASON_TAG, suspendedUntilMs } from './modules/suspension.ts'
import type { PlatformModule } from './platform.ts'
import { countDay, inactiveSinceMs, nextExpectedMs } from './posture/agent-health.ts'
import type { DevicePosture } from './posture/keeper.ts'

/** What the API shows of a device's security. */
export interface DeviceSecurity {
  readonly deviceId: string
  /** Of the device's own twin. */
  readonly tags: JsonObject
  /** Absent without a security module. */
  readonly posture: DevicePosture | undefined
  /** Of its agent; `undefined` without a security module. */
  readonly configuration: object | undefined
  readonly record: ModuleRecord | undefined
  readonly keys: ConfigurationKeys
  /** Whether there is a security group with this name, in lower case. */
  readonly isGroup: (name: string) => boolean
}

/** The logical security module twin of a device as the API shows it (security 01 §9). */
export function deviceSecurityView(
  { deviceId, tags, posture, configuration, record, keys, isGroup }: DeviceSecurity,
  nowMs: number,
): object {
  if (posture === undefined) {
    return {
      deviceId,
      modules: [],
      state: record?.state === 'retired' ? 'retired' : 'absent',
      ...lifeView(record),
      ...groupView(tags, {}, isGroup),
      configuration: null,
      agent: {},
      inventory: {},
      posture: {},
      alerts: {},
      recommendations: {},
    }
  }
  const { modules, module, description, summary, agent } = posture
  const inactiveMs = inactiveSinceMs(modules, agent, nowMs)
  return {
    deviceId,
    modules: securityModules(modules, module.ref.moduleId).map((each) => ({
      moduleId: each.ref.moduleId,
      era: eraOf(each.ref.moduleId, each, keys),
      connectionState: each.connected ? 'Connected' : 'Disconnected',
      lastActivityUtc: formatTime(each.lastActivityMs),
      speaksForDevice: each === module,
    })),
    moduleId: module.ref.moduleId,
    state: description.state,
    ...lifeView(record),
    suspension: suspensionView(module, record),
    inactiveSinceUtc: formatTime(inactiveMs),
    ...groupView(tags, module.tags, isGroup),
    configuration,
    agent: agentView(posture, nowMs),
    inventory: agent?.inventory ?? {},
    posture: summary.posture,
    alerts: summary.alerts,
    recommendations: summary.recommendations,
  }
}

/** Which group holds, which tag says so, and whether there is such a group. */
function groupView(
  tags: JsonObject,
  moduleTags: JsonObject,
  isGroup: DeviceSecurity['isGroup'],
): object {
  const { group, from, tag } = resolveSecurityGroup(tags, moduleTags)
  return {
    securityGroup: group,
    securityGroupSource: { from, tag, isDefined: isGroup(group) },
  }
}

function lifeView(record: ModuleRecord | undefined): object {
  const history = record?.history ?? []
  return {
    stateSinceUtc: formatTime(record?.sinceMs ?? 0),
    stateHistory: history.map(({ timeMs, ...change }) => ({
      ...change,
      timeUtc: formatTime(timeMs),
    })),
  }
}

function suspensionView(module: PlatformModule, record: ModuleRecord | undefined): object | null {
  if (module.tags[OPERATOR_STATE_TAG] !== 'suspended') return null
  const reason = module.tags[OPERATOR_REASON_TAG]
  const known = record?.suspension
  return {
    untilUtc: formatTime(suspendedUntilMs(module)),
    reason: typeof reason === 'string' ? reason : '',
    sinceUtc: formatTime(known?.sinceMs ?? 0),
    by: known?.by ?? '',
    // A tag that somebody wrote by hand does not reach the agent.
    isCollectionOff: known !== undefined && Object.keys(known.saved).length > 0,
  }
}

/** The health of an agent (security 01 §9, 03 §1): `lastMessageUtc` is exact here, unlike in tags. */
function agentView({ description, agent, summary }: DevicePosture, nowMs: number): object {
  const { messages, events, dropped, rejected } = countDay(agent, nowMs)
  const offsetMs = estimateClockOffset(agent?.clockOffsets ?? [])
  const { lastRejection } = agent ?? {}
  return {
    ...summary.agent,
    agentId: agent?.agentId ?? '',
    lastMessageUtc: formatTime(agent?.lastMessageMs ?? 0),
    nextExpectedUtc: formatTime(nextExpectedMs(description.configuration, agent)),
    events: agent?.events ?? 0,
    messages24h: messages,
    events24h: events,
    droppedEvents24h: dropped,
    rejected24h: rejected,
    lastRejected: lastRejection
      ? { timeUtc: formatTime(lastRejection.timeMs), reason: lastRejection.reason }
      : null,
    clockOffsetSeconds: offsetMs === undefined ? null : Math.round(offsetMs / 1000),
  }
}
