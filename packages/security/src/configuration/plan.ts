import {
  type ConfigurationKeys,
  type ConfigurationReading,
  configurationKey,
  defaultSettings,
  type Era,
  eraOf,
  HubError,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  judgeSettings,
  readConfiguration,
  refuseMistakes,
  refuseUnconfigurable,
  type SettingRemark,
  type Settings,
  settingsOf,
  shapeConfiguration,
} from '@twinward/protocol'
import type { PlatformModule } from '../platform.ts'
import { readableSettings } from './provenance.ts'

/** What to write, and what the one who asked should know. */
export interface ConfigurationPlan {
  /** A merge patch of the desired properties. */
  readonly desired: JsonObject
  readonly warnings: readonly SettingRemark[]
  /** All settings that the twin holds after the patch. */
  readonly settings: Settings
  /** Names of changed settings whose writing needs a permission of its own and an audit record. */
  readonly privileged: readonly string[]
}

/** More changes than there are settings are no honest request. */
const MAX_CHANGES = 100

/** Where configuration objects lie, and what the device's layers say. */
export interface PlanContext {
  readonly keys?: ConfigurationKeys
  readonly layered?: Settings
}

/**
 * Plans a change of an agent's configuration: which patch of desired carries it. Pure.
 *
 * For `legacy` and `early` the patch holds the complete object, because the C agent takes the
 * payload of a patch for all there is; what goes is a bare `null` in it, which that agent reads as
 * its default and the hub removes from the twin. For `micro` it holds only what changes.
 *
 * Values that the twin holds already are judged too: those that no agent can read give way to
 * their defaults, with a warning; those out of bounds must be changed along.
 *
 * @param changes  settings by name; `null` = back to what the layers say, or else to the default
 * @throws {HubError} `ArgumentInvalid` that lists every mistake
 */
export function planPatch(
  module: PlatformModule,
  changes: { readonly [name: string]: JsonValue },
  { keys = {}, layered = {} }: PlanContext = {},
): ConfigurationPlan {
  const count = Object.keys(changes).length
  if (count > MAX_CHANGES) {
    throw new HubError('ArgumentInvalid', `${count} changes at once, at most ${MAX_CHANGES}.`)
  }
  const era = eraOf(module.ref.moduleId, module, keys)
  refuseUnconfigurable(era)
  const privileged = Object.keys(changes).filter((name) => isPrivileged(era, name))
  const plan =
    era === 'micro'
      ? planMicro(module, changes, layered)
      : planComplete(module, changes, { era, keys, layered })
  return { ...plan, privileged }
}

type Changes = { readonly [name: string]: JsonValue }
type Plan = Omit<ConfigurationPlan, 'privileged'>

function planMicro(module: PlatformModule, changes: Changes, layered: Settings): Plan {
  const { era, values, removed } = { era: 'micro' as const, ...sortChanges(changes) }
  const judged = judgeSettings(values, era)
  const inherited = pick(layered, removed)
  const gone = judgeRemovals(removed, module.desired, era)
  refuseMistakes([...judged.mistakes, ...gone.mistakes])
  const kept = readableSettings(readConfiguration(module.desired, era), era)
  const left = Object.entries(kept).filter(([name]) => !Object.hasOwn(gone.nulls, name))
  return {
    desired: { ...judged.settings, ...gone.nulls, ...inherited },
    settings: { ...Object.fromEntries(left), ...judged.settings, ...inherited },
    warnings: [...judged.warnings, ...gone.warnings],
  }
}

function planComplete(
  module: PlatformModule,
  changes: Changes,
  { era, keys, layered }: Required<PlanContext> & { readonly era: Era },
): Plan {
  const key = configurationKey(era, keys)
  const object = key !== undefined && isJsonObject(module.desired[key]) ? module.desired[key] : {}
  const current = readConfiguration(module.desired, era, key)
  const { values, removed } = sortChanges(changes)
  const kept = Object.entries(current.settings).filter(([name]) => !removed.includes(name))
  const judged = judgeSettings(
    {
      ...defaultSettings(era),
      ...pick(layered, removed),
      ...Object.fromEntries(kept),
      ...values,
    },
    era,
  )
  const gone = judgeRemovals(removed, {}, era)
  const inTwin = (name: string) => Object.hasOwn(current.settings, name) && !(name in changes)
  const mistakes = judged.mistakes.map((mistake) =>
    inTwin(mistake.name)
      ? { ...mistake, reason: `${mistake.reason} (already in the twin: change it too)` }
      : mistake,
  )
  refuseMistakes([...mistakes, ...gone.mistakes])
  const stale = Object.keys(object).filter(
    (name) => settingsOf(era).has(name) && !Object.hasOwn(judged.settings, name),
  )
  const nulls = Object.fromEntries(stale.map((name) => [name, null]))
  return {
    desired: shapeConfiguration({ ...judged.settings, ...nulls }, era, key),
    settings: judged.settings,
    warnings: [...judged.warnings, ...repairs(current, changes)],
  }
}

function pick(settings: Settings, names: readonly string[]): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => names.includes(name)))
}

function sortChanges(changes: Changes) {
  const entries = Object.entries(changes)
  return {
    values: Object.fromEntries(entries.filter(([, value]) => value !== null)),
    removed: entries.filter(([, value]) => value === null).map(([name]) => name),
  }
}

/** Settings of the era may always go back to their default; other names if they are there. */
function judgeRemovals(removed: readonly string[], desired: JsonObject, era: Era) {
  const isKnown = (name: string) => settingsOf(era).has(name)
  const unknown = removed.filter((name) => !isKnown(name))
  const judged = judgeSettings(Object.fromEntries(unknown.map((name) => [name, ''])), era)
  const gone = removed.filter(
    (name) => isKnown(name) || (name in judged.settings && Object.hasOwn(desired, name)),
  )
  return {
    mistakes: judged.mistakes,
    warnings: judged.warnings,
    nulls: Object.fromEntries(gone.map((name) => [name, null])),
  }
}

/** What the patch puts right by the way. */
function repairs({ unreadable, misshapen }: ConfigurationReading, changes: Changes) {
  const given = (name: string) => Object.hasOwn(changes, name)
  const defaulted = unreadable.filter(({ name }) => !given(name))
  const names = new Set(unreadable.map(({ name }) => name))
  return [
    ...defaulted.map(({ name, reason }) => ({
      name,
      reason: `the value in the twin could not be read (${reason}); its default is written`,
    })),
    ...misshapen
      .filter((name) => !given(name) && !names.has(name))
      .map((name) => ({ name, reason: 'the value in the twin had the shape of another era' })),
  ]
}

function isPrivileged(era: Era, name: string): boolean {
  return settingsOf(era).get(name)?.privileged ?? false
}
