import {
  type AgentKind,
  type ConfigurationKeys,
  type ConfigurationReading,
  configurationKey,
  type Era,
  eraOf,
  isJsonObject,
  meaningOf,
  readConfiguration,
  readMicroResult,
  type Setting,
  type SettingValue,
  settingsOf,
} from '@twinward/protocol'
import type { PlatformModule } from '../platform.ts'
import { implementsSetting, legacyAgentKind } from './agent-kind.ts'
import type { SettingSource } from './layers.ts'

export interface EffectiveSetting {
  readonly value: SettingValue | null
  readonly source: SettingSource
  /** The id of the automatic configuration that sets it; with the source `configuration` alone. */
  readonly configuration?: string
  /** The agents that are known here have no such setting; newer ones may. */
  readonly isUnknown?: true
}

/** A setting whose reported value means something else than the wanted one. */
export interface Drift {
  readonly name: string
  readonly desired: SettingValue | null
  readonly reported: SettingValue | null
}

/** The configuration of one security module, as wanted and as run. */
export interface ConfigurationView {
  readonly era: Era
  readonly agentKind: AgentKind
  readonly desired: ConfigurationReading
  readonly reported: ConfigurationReading
  /** Every setting of the era, by this twin alone: what is in it is the device's own. */
  readonly effective: { readonly [name: string]: EffectiveSetting }
  /** Whether the agent has said how it is configured; a micro agent: since desired changed last. */
  readonly acknowledged: boolean
  /** Settings that the agent refused by name; only micro agents say so. */
  readonly refused: readonly string[]
  /** Whether the agent said that it failed to apply what is desired now; only micro agents do. */
  readonly failed: boolean
  readonly drift: readonly Drift[]
  readonly desiredVersion: number
  /** The newest version of desired that the agent is known to run; 0 = none known. */
  readonly appliedVersion: number
}

/** Compares what is desired of a security module with what its agent reports. Pure. */
export function viewConfiguration(
  module: PlatformModule,
  keys: ConfigurationKeys = {},
): ConfigurationView {
  const era = eraOf(module.ref.moduleId, module, keys)
  const key = configurationKey(era, keys)
  const desired = readConfiguration(module.desired, era, key)
  const reported = readConfiguration(module.reported, era, key)
  const agentKind = kindOf(era, reported)
  const sides: Sides = { era, agentKind, desired, reported }
  const answer = era === 'micro' ? microAnswer(module, sides) : legacyAnswer(sides)
  const { desiredVersion } = module
  const isApplied = answer.acknowledged && answer.drift.length === 0
  return {
    ...sides,
    ...answer,
    effective: effectiveSettings(sides),
    desiredVersion,
    appliedVersion: isApplied ? desiredVersion : lastKnownVersion(module),
  }
}

interface Sides {
  readonly era: Era
  readonly agentKind: AgentKind
  readonly desired: ConfigurationReading
  readonly reported: ConfigurationReading
}

type Answer = Pick<ConfigurationView, 'acknowledged' | 'refused' | 'failed' | 'drift'>

function kindOf(era: Era, reported: ConfigurationReading): AgentKind {
  if (era === 'micro' || era === 'rtos') return era
  return legacyAgentKind(reported)
}

function effectiveSettings({ era, agentKind, desired }: Sides): ConfigurationView['effective'] {
  const effective: [string, EffectiveSetting][] = []
  for (const setting of settingsOf(era).values()) {
    const value = valueIn(desired, setting)
    effective.push([
      setting.name,
      value === undefined
        ? { value: defaultOf(setting, agentKind), source: 'default' }
        : { value, source: 'device' },
    ])
  }
  return Object.fromEntries(effective)
}

/** What an agent runs without the setting. */
export function defaultOf(setting: Setting, kind: AgentKind): SettingValue | null {
  return setting.agentDefaults?.[kind] ?? setting.default
}

function valueIn(reading: ConfigurationReading, { name }: Setting): SettingValue | undefined {
  return Object.hasOwn(reading.settings, name) ? reading.settings[name] : undefined
}

/** Legacy agents answer with all that they run, so contents are compared; there is no version. */
function legacyAnswer(sides: Sides): Answer {
  const { era, desired, reported, agentKind } = sides
  const drift: Drift[] = []
  if (!reported.present) return { acknowledged: false, refused: [], failed: false, drift }
  const unreadable = new Set(
    [...desired.unreadable, ...reported.unreadable].map(({ name }) => name),
  )
  for (const setting of settingsOf(era).values()) {
    const { name } = setting
    const said = valueIn(reported, setting)
    const isSaid = said !== undefined || unreadable.has(name)
    if (!isSaid && !implementsSetting(agentKind, setting)) continue
    const wanted = valueIn(desired, setting) ?? defaultOf(setting, agentKind)
    // Agents that say nothing about a setting run their default.
    const running = said ?? defaultOf(setting, agentKind)
    const isSame = meaningOf(setting, wanted) === meaningOf(setting, running)
    if (isSame && !unreadable.has(name)) continue
    drift.push({ name, desired: valueIn(desired, setting) ?? null, reported: said ?? null })
  }
  return { acknowledged: true, refused: [], failed: false, drift }
}

/** The micro agent answers with a verdict, not with values. */
function microAnswer(module: PlatformModule, { era, desired }: Sides): Answer {
  const { state, invalidFields } = readMicroResult(module.reported)
  const { reportedUpdatedMs = 0, desiredUpdatedMs } = module
  const isOutdated = reportedUpdatedMs > 0 && reportedUpdatedMs < desiredUpdatedMs
  const acknowledged = state !== 'unknown' && !isOutdated
  const failed = acknowledged && state === 'failed'
  if (acknowledged && !failed) return { acknowledged, refused: [], failed, drift: [] }
  const configured = [...settingsOf(era).values()].filter((setting) => {
    const value = valueIn(desired, setting)
    return value !== undefined && meaningOf(setting, value) !== meaningOf(setting, setting.default)
  })
  const names = [...desired.unreadable, ...configured].map(({ name }) => name)
  const refused = failed ? invalidFields : []
  const drift = (refused.length > 0 ? refused : names).map((name) => ({
    name,
    desired: Object.hasOwn(desired.settings, name) ? (desired.settings[name] ?? null) : null,
    reported: null,
  }))
  return { acknowledged, refused, failed, drift }
}

/** What this service wrote into the twin's tags when it last knew. */
function lastKnownVersion({ tags, desiredVersion }: PlatformModule): number {
  const version = isJsonObject(tags.config) ? tags.config.appliedVersion : undefined
  const isKnown = typeof version === 'number' && version >= 0 && version <= desiredVersion
  return isKnown ? version : 0
}
