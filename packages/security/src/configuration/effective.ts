import { type AgentKind, type Era, type SettingValue, settingsOf } from '@twinward/protocol'
import type { ConfiguredSettings } from './configured.ts'
import { type LayeredSettings, overlay, type SettingSource } from './layers.ts'
import { type Provenance, valueIn } from './provenance.ts'
import { defaultOf, type EffectiveSetting } from './view.ts'

/** What one module is to run, and where that comes from. */
export interface EffectiveSources {
  readonly era: Era
  readonly agentKind: AgentKind
  /** What its twin holds, told apart. */
  readonly provenance: Provenance
  readonly layered: LayeredSettings
  /** Default: none. */
  readonly configured?: ConfiguredSettings
}

/**
 * The effective configuration: defaults, on them the hub's layer, the group's, the device's own values,
 * and what automatic configurations of the hub set, whatever layers say of it. What a layer says counts
 * at once, also while it is on its way into the twin. Pure.
 */
export function effectiveConfiguration({
  era,
  agentKind,
  provenance,
  layered,
  configured = new Map(),
}: EffectiveSources): { readonly [name: string]: EffectiveSetting } {
  const known = settingsOf(era)
  const { own, inherited } = provenance
  const layers = overlay(layered.hub, layered.group)
  const names = new Set([...known.keys(), ...Object.keys(layers), ...Object.keys(own)])
  const effective: [string, EffectiveSetting][] = []
  for (const name of names) {
    const setting = known.get(name)
    const isUnknown = setting === undefined ? { isUnknown: true as const } : {}
    const configuration = configured.get(name)
    const set = valueIn(own, name) ?? valueIn(inherited, name)
    if (configuration !== undefined && set !== undefined) {
      const source = 'configuration' as const
      effective.push([name, { value: set, source, configuration, ...isUnknown }])
      continue
    }
    const { value, source } = sourceOf(name, { own, ...layered })
    if (value !== undefined) effective.push([name, { value, source, ...isUnknown }])
    else if (setting !== undefined) {
      // A complete configuration object holds the published default, else the agent has its own.
      const isWritten = Object.hasOwn(inherited, name) && setting.default !== null
      const fallback = isWritten ? setting.default : defaultOf(setting, agentKind)
      effective.push([name, { value: fallback, source: 'default' }])
    }
  }
  return Object.fromEntries(effective)
}

function sourceOf(
  name: string,
  layers: LayeredSettings & Pick<Provenance, 'own'>,
): { readonly value: SettingValue | undefined; readonly source: SettingSource } {
  for (const [source, settings] of [
    ['device', layers.own],
    ['group', layers.group],
    ['hub', layers.hub],
  ] as const) {
    const value = valueIn(settings, name)
    if (value !== undefined) return { value, source }
  }
  return { value: undefined, source: 'default' }
}
