import {
  type ConfigurationReading,
  defaultSettings,
  type Era,
  meaningOf,
  type Settings,
  type SettingValue,
  settingsOf,
} from '@twinward/protocol'
import type { ConfigurationRecord, ModuleMemory, SettingChange } from './configuration-store.ts'

/** What the settings in a twin are: inherited from layers and defaults, or the device's own. */
export interface Provenance {
  readonly inherited: Settings
  readonly own: Settings
}

/**
 * Tells the values in a twin that the service has written from those that somebody set on this device:
 * a value that differs from what the service wrote is the device's own. Pure.
 *
 * Without a record, published defaults count as the service's: scripts and seeds write them.
 */
export function classify(
  reading: ConfigurationReading,
  era: Era,
  desiredVersion: number,
  record: ConfigurationRecord | undefined,
): Provenance {
  const candidates = inheritedCandidates(era, desiredVersion, record)
  const inherited: [string, SettingValue][] = []
  const own: [string, SettingValue][] = []
  for (const [name, value] of Object.entries(readableSettings(reading, era))) {
    const isInherited = candidates(name).some((known) => isSame(era, name, known, value))
    if (isInherited) inherited.push([name, value])
    else own.push([name, value])
  }
  return { inherited: Object.fromEntries(inherited), own: Object.fromEntries(own) }
}

/** What a record says once it is known whether its intent happened. Pure. */
export function settle(record: ConfigurationRecord, desiredVersion: number): ModuleMemory {
  const { intent } = record
  if (intent === undefined || desiredVersion <= intent.baseVersion) return record
  return intent
}

/** Settings by name; of a micro agent also those that are unknown, which newer agents have. */
export function readableSettings({ settings, unknown }: ConfigurationReading, era: Era): Settings {
  if (era !== 'micro') return settings
  const more = Object.entries(unknown).filter(
    (entry): entry is [string, SettingValue] => entry[1] !== null && typeof entry[1] !== 'object',
  )
  return { ...settings, ...Object.fromEntries(more) }
}

/** What differs between two states, by meaning. Pure. */
export function changesBetween(
  era: Era,
  before: Settings,
  after: Settings,
): readonly SettingChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  const changes: SettingChange[] = []
  for (const name of names) {
    const [old, next] = [valueIn(before, name), valueIn(after, name)]
    if (isSame(era, name, old, next)) continue
    changes.push({ name, old: old ?? null, new: next ?? null })
  }
  return changes
}

export function isSame(
  era: Era,
  name: string,
  a: SettingValue | undefined,
  b: SettingValue | undefined,
): boolean {
  if (a === undefined || b === undefined) return a === b
  const setting = settingsOf(era).get(name)
  return setting === undefined ? a === b : meaningOf(setting, a) === meaningOf(setting, b)
}

export function valueIn(settings: Settings, name: string): SettingValue | undefined {
  return Object.hasOwn(settings, name) ? settings[name] : undefined
}

/** The default that a complete configuration object holds; micro agents' twins hold none. */
export function publishedDefaults(era: Era): Settings {
  return era === 'micro' ? {} : defaultSettings(era)
}

type Candidates = (name: string) => readonly SettingValue[]

function inheritedCandidates(
  era: Era,
  desiredVersion: number,
  record: ConfigurationRecord | undefined,
): Candidates {
  const published = publishedDefaults(era)
  const among =
    (...all: readonly Settings[]): Candidates =>
    (name) =>
      all.map((settings) => valueIn(settings, name)).filter((value) => value !== undefined)
  if (record === undefined) return among(published)
  const { intent, written } = record
  // The version went back: the module was made anew, from a seed or from what it had before.
  if (desiredVersion < record.desiredVersion) return among(published, written)
  if (intent === undefined || desiredVersion <= intent.baseVersion) return among(written)
  const before = among(written)
  const after = among(intent.written)
  // Somebody may have been faster than the write under way, so that the old value is still there.
  return (name) => {
    const next = after(name)
    return next.length === 0 ? next : [...next, ...before(name)]
  }
}
