import {
  type ConfigurationKeys,
  type ConfigurationReading,
  configurationKey,
  type Era,
  eraOf,
  hasTwinConfiguration,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  readConfiguration,
  type Settings,
  type SettingValue,
  shapeConfiguration,
} from '@twinward/protocol'
import type { PlatformModule } from '../platform.ts'
import type { ConfigurationRecord, ModuleMemory, SettingChange } from './configuration-store.ts'
import { configuredSettings } from './configured.ts'
import { type LayeredSettings, overlay } from './layers.ts'
import {
  classify,
  isSame,
  type Provenance,
  publishedDefaults,
  settle,
  valueIn,
} from './provenance.ts'

/** What a module's twin has to be given so that it says what its layers say. */
export interface InheritancePlan {
  readonly era: Era
  /** As the twin is. */
  readonly now: Provenance
  /** To be remembered once the patch is in; without a patch, as things are. */
  readonly memory: ModuleMemory
  /** A merge patch of desired; `undefined` when nothing has to change. */
  readonly desired: JsonObject | undefined
  readonly changes: readonly SettingChange[]
}

/**
 * Plans what one module inherits. Its own values stay as they are, also those that cannot be read.
 * Legacy and early agents get the complete object, micro agents only what differs. Pure.
 *
 * @returns `undefined` for eras without twin configuration
 */
export function planInheritance(
  module: PlatformModule,
  layered: LayeredSettings,
  record: ConfigurationRecord | undefined,
  keys: ConfigurationKeys = {},
): InheritancePlan | undefined {
  const era = eraOf(module.ref.moduleId, module, keys)
  if (!hasTwinConfiguration(era)) return undefined
  const key = configurationKey(era, keys)
  const reading = readConfiguration(module.desired, era, key)
  const targets = { ...publishedDefaults(era), ...overlay(layered.hub, layered.group) }
  const now = tellApart(module, { era, reading, targets }, record)
  const configured = configuredSettings(module, era, keys)
  const isOwn = (name: string) =>
    Object.hasOwn(now.own, name) ||
    // What an automatic configuration sets, it would only set back.
    configured.has(name) ||
    reading.unreadable.some((remark) => remark.name === name)
  const changes = changesTo(era, targets, now).filter(({ name }) => !isOwn(name))
  const seen = { ...now.inherited, ...now.own }
  const written = stillWritten(era, record && settle(record, module.desiredVersion), now)
  if (changes.length === 0) {
    return { era, now, changes, desired: undefined, memory: { written, seen } }
  }
  const missing = Object.entries(publishedDefaults(era)).filter(
    ([name]) => !isOwn(name) && !Object.hasOwn(seen, name),
  )
  const filled = Object.fromEntries(missing)
  const changed = Object.fromEntries(changes.map(({ name, new: value }) => [name, value]))
  const members = { ...filled, ...reading.settings, ...changed }
  return {
    era,
    now,
    changes,
    desired: era === 'micro' ? changed : shapeObject(module.desired, members, { era, key }),
    memory: {
      written: apply({ ...written, ...filled }, changes),
      seen: apply({ ...filled, ...seen }, changes),
    },
  }
}

interface ReadModule {
  readonly era: Era
  readonly reading: ConfigurationReading
  readonly targets: Settings
}

/** As `classify`, but who writes what the service wrote once and does not say any more owns it. */
function tellApart(
  { desiredVersion }: PlatformModule,
  { era, reading, targets }: ReadModule,
  record: ConfigurationRecord | undefined,
): Provenance {
  const known = classify(reading, era, desiredVersion, record)
  // A module that was made anew starts from its seed, which nobody chose for it.
  if (record === undefined || desiredVersion < record.desiredVersion) return known
  const { seen } = settle(record, desiredVersion)
  return disown(
    known,
    (name, value) =>
      !isSame(era, name, valueIn(seen, name), value) &&
      !isSame(era, name, valueIn(targets, name), value),
  )
}

/** What would make inherited values those that are wanted. */
function changesTo(era: Era, targets: Settings, { inherited }: Provenance): SettingChange[] {
  const changes: SettingChange[] = []
  const published = publishedDefaults(era)
  for (const name of new Set([...Object.keys(targets), ...Object.keys(inherited)])) {
    const target = valueIn(targets, name)
    const present = valueIn(inherited, name)
    if (isSame(era, name, target, present ?? valueIn(published, name))) continue
    changes.push({ name, old: present ?? null, new: target ?? null })
  }
  return changes
}

/** What the service wrote, without what has become the device's own. */
function stillWritten(era: Era, settled: ModuleMemory | undefined, { own }: Provenance): Settings {
  const written = Object.entries(settled?.written ?? publishedDefaults(era))
  const left = written.filter(([name, value]) => !isSame(era, name, valueIn(own, name), value))
  return Object.fromEntries(left)
}

function disown(
  { inherited, own }: Provenance,
  isOwn: (name: string, value: SettingValue) => boolean,
): Provenance {
  const entries = Object.entries(inherited)
  const moved = entries.filter(([name, value]) => isOwn(name, value))
  if (moved.length === 0) return { inherited, own }
  const left = entries.filter(([name, value]) => !isOwn(name, value))
  return { inherited: Object.fromEntries(left), own: { ...own, ...Object.fromEntries(moved) } }
}

function apply(settings: Settings, changes: readonly SettingChange[]): Settings {
  const next = new Map<string, SettingValue>(Object.entries(settings))
  for (const { name, new: value } of changes) {
    if (value === null) next.delete(name)
    else next.set(name, value)
  }
  return Object.fromEntries(next)
}

/** The object in the shape of its era; members that nobody understands go along as they are. */
function shapeObject(
  desired: JsonObject,
  members: { readonly [name: string]: JsonValue },
  { era, key }: { readonly era: Era; readonly key: string | undefined },
): JsonObject {
  const shaped = shapeConfiguration(members, era, key)
  if (key === undefined) return shaped
  const raw = desired[key]
  return { [key]: { ...(isJsonObject(raw) ? raw : {}), ...(shaped[key] as JsonObject) } }
}
