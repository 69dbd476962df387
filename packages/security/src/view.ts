import { eraOf, type JsonObject } from '@twinward/protocol'
import { securityModules } from './modules/logical.ts'
import { securityGroupOf } from './modules/security-group.ts'
import type { DevicePosture } from './posture/keeper.ts'

/** The logical security module twin of a device as the API shows it (security 01 §9). */
export function deviceSecurityView(
  deviceId: string,
  deviceTags: JsonObject,
  posture: DevicePosture | undefined,
): object {
  if (posture === undefined) {
    return {
      deviceId,
      modules: [],
      state: 'absent',
      securityGroup: securityGroupOf(deviceTags),
      configuration: null,
      agent: {},
      posture: {},
      alerts: {},
      recommendations: {},
    }
  }
  const { modules, module, description, summary, agent } = posture
  return {
    deviceId,
    modules: securityModules(modules, module.ref.moduleId).map((each) => ({
      moduleId: each.ref.moduleId,
      era: eraOf(each.ref.moduleId, each),
      connectionState: each.connected ? 'Connected' : 'Disconnected',
    })),
    moduleId: module.ref.moduleId,
    state: description.state,
    securityGroup: securityGroupOf(deviceTags, module.tags),
    configuration: configurationView(posture),
    agent: { ...summary.agent, agentId: agent?.agentId ?? '', events: agent?.events ?? 0 },
    posture: summary.posture,
    alerts: summary.alerts,
    recommendations: summary.recommendations,
  }
}

/** Configuration as wanted and as run, with every difference. */
export function configurationView({ module, description }: DevicePosture): object {
  const { configuration, configurationStatus } = description
  return {
    era: configuration.era,
    state: configurationStatus.state,
    reason: configurationStatus.reason,
    desired: configuration.desired.settings,
    reported: configuration.reported.settings,
    effective: configuration.effective,
    drift: configuration.drift,
    unreadable: configuration.desired.unreadable,
    desiredVersion: module.desiredVersion,
    appliedVersion: configuration.appliedVersion,
  }
}
