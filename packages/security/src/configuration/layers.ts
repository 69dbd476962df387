import {
  type Era,
  familyOf,
  type JsonValue,
  judgeSettings,
  type SettingFamily,
  type SettingRemark,
  type Settings,
  settingsOf,
  suggestSetting,
} from '@twinward/protocol'
import type { Layer } from './configuration-store.ts'

/** Where an effective value comes from; later ones win. */
export type SettingSource = 'default' | 'hub' | 'group' | 'device' | 'configuration'

/** What the layers of one device say, for agents of one era. */
export interface LayeredSettings {
  readonly hub: Settings
  readonly group: Settings
}

export const NO_LAYERS: LayeredSettings = { hub: {}, group: {} }

/** Settings on top of others: a later layer wins, name by name. Associative and idempotent. Pure. */
export function overlay(below: Settings, above: Settings): Settings {
  return { ...below, ...above }
}

/** What two layers say to agents of an era, without names that these do not know. Pure. */
export function layeredFor(
  era: Era,
  hub: Layer | undefined,
  group: Layer | undefined,
): LayeredSettings {
  const family = familyOf(era)
  if (family === undefined) return NO_LAYERS
  const known = settingsOf(era)
  const pick = (layer: Layer | undefined): Settings => {
    const settings = layer?.[family] ?? {}
    // Newer micro agents have settings that nobody here knows.
    if (family === 'micro') return settings
    return Object.fromEntries(Object.entries(settings).filter(([name]) => known.has(name)))
  }
  return { hub: pick(hub), group: pick(group) }
}

/** The settings of a layer after a change, or all that is wrong with it. */
export interface LayerJudgement {
  readonly legacy: Settings
  readonly micro: Settings
  readonly mistakes: readonly SettingRemark[]
  readonly warnings: readonly SettingRemark[]
  /** Names of changed settings that need a right of their own. */
  readonly privileged: readonly string[]
}

type LayerSettings = Pick<Layer, 'legacy' | 'micro'>

/**
 * Judges a change of a layer, each name in the family that it belongs to. Pure.
 *
 * @param changes  settings by name; `null` takes one away
 */
export function judgeLayer(
  before: LayerSettings,
  changes: { readonly [name: string]: JsonValue },
): LayerJudgement {
  const mistakes: SettingRemark[] = []
  const warnings: SettingRemark[] = []
  const next: Record<SettingFamily, Settings> = { legacy: before.legacy, micro: before.micro }
  for (const [name, value] of Object.entries(changes)) {
    const family = familyOfName(name, before)
    if (value === null) {
      if (isKnown(name, before)) next[family] = without(next[family], name)
      else mistakes.push(unknownName(name))
      continue
    }
    const judged = judgeSettings({ [name]: value }, family)
    mistakes.push(...judged.mistakes.map((mistake) => betterHint(mistake, name)))
    warnings.push(...judged.warnings.filter((warning) => warning.name === name))
    next[family] = overlay(next[family], judged.settings)
  }
  // What does not go together is judged once all is in place.
  const together = judgeSettings(next.legacy, 'legacy').warnings
  const seen = new Set(warnings.map(({ name, reason }) => `${name} ${reason}`))
  warnings.push(...together.filter(({ name, reason }) => !seen.has(`${name} ${reason}`)))
  const privileged = Object.keys(changes).filter(
    (name) => settingsOf('legacy').get(name)?.privileged ?? false,
  )
  return { ...next, mistakes, warnings, privileged }
}

export function isEmptyLayer({ legacy, micro }: LayerSettings): boolean {
  return Object.keys(legacy).length === 0 && Object.keys(micro).length === 0
}

/** Settings of micro agents are spelled `Collector_Setting`; no others have an underscore. */
function familyOfName(name: string, { micro }: LayerSettings): SettingFamily {
  if (settingsOf('legacy').has(name)) return 'legacy'
  return settingsOf('micro').has(name) || Object.hasOwn(micro, name) || name.includes('_')
    ? 'micro'
    : 'legacy'
}

function isKnown(name: string, { legacy, micro }: LayerSettings): boolean {
  if (settingsOf('legacy').has(name) || settingsOf('micro').has(name)) return true
  return Object.hasOwn(legacy, name) || Object.hasOwn(micro, name)
}

/** Longer names are cut in remarks. */
const SHOWN_CHARACTERS = 64

function unknownName(name: string): SettingRemark {
  const meant = suggestSetting(name, 'legacy') ?? suggestSetting(name, 'micro')
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  return { name: name.slice(0, SHOWN_CHARACTERS), reason: `there is no such setting${hint}` }
}

/** A name that no era knows may have been meant for either family. */
function betterHint(mistake: SettingRemark, name: string): SettingRemark {
  const isUnknown = !settingsOf('legacy').has(name) && !settingsOf('micro').has(name)
  return isUnknown && !name.includes('_') ? unknownName(name) : mistake
}

function without(settings: Settings, name: string): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([other]) => other !== name))
}
