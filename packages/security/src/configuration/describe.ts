import {
  type ConfigurationKeys,
  configurationKey,
  type JsonObject,
  judgeSettings,
  rtosConstants,
  type SettingRemark,
  type SettingValue,
  settingsOf,
  unifiedSettings,
} from '@twinward/protocol'
import type { DevicePosture } from '../posture/keeper.ts'
import { configuredSettings } from './configured.ts'
import { effectiveConfiguration } from './effective.ts'
import { planInheritance } from './inherit.ts'
import type { LayeredSettings } from './layers.ts'
import type { Sighting } from './module-writer.ts'

/** What the API shows of a device's configuration. */
export interface DescribedConfiguration {
  readonly posture: DevicePosture
  readonly sighting: Sighting
  readonly layered: LayeredSettings
  readonly securityGroup: string
  readonly keys: ConfigurationKeys
}

/** Configuration as wanted and as run, with every difference and where each value comes from. Pure. */
export function describeConfiguration(described: DescribedConfiguration): object {
  const { posture, sighting, layered, securityGroup, keys } = described
  const { module, description } = posture
  const { configuration, configurationStatus } = description
  const { era, agentKind, desired, reported } = configuration
  const effective = effectiveConfiguration({
    era,
    agentKind,
    provenance: sighting.now,
    layered,
    configured: configuredSettings(module, era, keys),
  })
  const values = Object.entries(effective).map(([name, { value }]) => [name, value] as const)
  const plan = planInheritance(module, layered, sighting.record, keys)
  const key = configurationKey(era, keys)
  return {
    moduleId: module.ref.moduleId,
    era,
    agentKind,
    ...(key !== undefined && { key }),
    securityGroup,
    state: configurationStatus.state,
    reason: configurationStatus.reason,
    desired: desired.settings,
    reported: reported.settings,
    effective,
    unified: unifiedSettings(Object.fromEntries(values), era),
    drift: configuration.drift,
    // What the layers say and the twin does not hold yet.
    inheriting: plan?.changes.map(({ name }) => name) ?? [],
    invalidFields: configuration.refused,
    unreadable: desired.unreadable,
    misshapen: desired.misshapen,
    unknown: desired.unknown,
    warnings: warningsOf(values, module.desired, era),
    ...(era === 'rtos' && { constants: rtosConstants }),
    desiredVersion: module.desiredVersion,
    appliedVersion: configuration.appliedVersion,
  }
}

/** What is to be said about values that can be read. */
function warningsOf(
  values: readonly (readonly [string, SettingValue | null])[],
  desired: JsonObject,
  era: Sighting['era'],
): readonly SettingRemark[] {
  const given = values.filter(([, value]) => value !== null)
  const { mistakes, warnings } = judgeSettings(Object.fromEntries(given), era)
  return [...mistakes, ...warnings, ...(era === 'micro' ? textsAsBooleans(desired) : [])]
}

/** Agents take `"True"` for `true`, but nobody should write it. */
function textsAsBooleans(desired: JsonObject): readonly SettingRemark[] {
  const texts = [...settingsOf('micro').values()].filter(
    ({ name, type }) => type === 'boolean' && typeof desired[name] === 'string',
  )
  const given = texts.map(({ name }) => [name, desired[name] ?? ''] as const)
  return judgeSettings(Object.fromEntries(given), 'micro').warnings
}
