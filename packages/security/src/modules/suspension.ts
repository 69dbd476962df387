import {
  type ConfigurationKeys,
  configurationKey,
  eraOf,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  shapeConfiguration,
} from '@twinward/protocol'
import { configuredSettings } from '../configuration/configured.ts'
import type { PlatformModule } from '../platform.ts'
import { collectionSwitches, switchedOff } from './collection.ts'
import { OPERATOR_STATE_TAG } from './state.ts'

/** When an operator's suspension ends by itself, ISO 8601; absent = when somebody resumes. */
export const OPERATOR_UNTIL_TAG = 'securityStateUntil'
export const OPERATOR_REASON_TAG = 'securityStateReason'

/** An agent whose collection is switched off for a while. */
export interface Suspension {
  readonly moduleId: string
  readonly sinceMs: number
  /** When it ends by itself; 0 = when somebody resumes. */
  readonly untilMs: number
  readonly reason: string
  readonly by: string
  /** The desired value of each switch before, as it was spelled; `null` = there was none. */
  readonly saved: { readonly [setting: string]: JsonValue }
}

/**
 * The switches of a module as they are now, for `Suspension.saved`. What an automatic configuration set
 * is not saved: afterwards the configuration may be gone. Pure.
 */
export function saveSwitches(
  module: PlatformModule,
  keys: ConfigurationKeys = {},
): Suspension['saved'] {
  const { era, settings } = locate(module, keys)
  const configured = configuredSettings(module, era, keys)
  const savedOf = (name: string) => (configured.has(name) ? null : valueIn(settings, name)) ?? null
  return Object.fromEntries(collectionSwitches(era).map((name) => [name, savedOf(name)]))
}

/**
 * The patch of desired that switches every collector off. Legacy agents take a patch for all there
 * is, so theirs holds the whole object. `undefined` for agents that read nothing from the twin. Pure.
 */
export function switchOff(
  module: PlatformModule,
  keys: ConfigurationKeys = {},
): JsonObject | undefined {
  const { era, key, settings } = locate(module, keys)
  const off = offValues(era, key)
  if (Object.keys(off).length === 0) return undefined
  return key === undefined ? off : { [key]: { ...settings, ...off } }
}

/**
 * The patch of desired that brings back what `switchOff` changed. A switch that somebody has moved
 * since stays where it is. `undefined` when there is nothing to do. Pure.
 */
export function switchBack(
  module: PlatformModule,
  saved: Suspension['saved'],
  keys: ConfigurationKeys = {},
): JsonObject | undefined {
  const { era, key, settings } = locate(module, keys)
  const off = Object.entries(offValues(era, key))
  const isOff = ([name, value]: [string, JsonValue]) =>
    JSON.stringify(valueIn(settings, name)) === JSON.stringify(value)
  const back = off.filter(isOff).map(([name]) => [name, valueIn(saved, name) ?? null] as const)
  if (back.length === 0) return undefined
  const restored = Object.fromEntries(back)
  if (key === undefined) return restored
  const whole = { ...settings, ...restored }
  const isEmpty = Object.values(whole).every((value) => value === null)
  return { [key]: isEmpty ? null : whole }
}

/** The tags by which a twin says that its agent is suspended. */
export function suspendedTags({ untilMs, reason }: Suspension): JsonObject {
  return {
    [OPERATOR_STATE_TAG]: 'suspended',
    [OPERATOR_UNTIL_TAG]: untilMs === 0 ? null : new Date(untilMs).toISOString(),
    [OPERATOR_REASON_TAG]: reason === '' ? null : reason,
  }
}

/** Removes what `suspendedTags` and a retirement wrote. */
export const NO_OPERATOR_TAGS: JsonObject = {
  [OPERATOR_STATE_TAG]: null,
  [OPERATOR_UNTIL_TAG]: null,
  [OPERATOR_REASON_TAG]: null,
}

/** When a suspension that the twin's tags speak of ends, ms since the epoch; 0 = not by itself. */
export function suspendedUntilMs({ tags }: Pick<PlatformModule, 'tags'>): number {
  if (tags[OPERATOR_STATE_TAG] !== 'suspended') return 0
  const until = tags[OPERATOR_UNTIL_TAG]
  const ms = typeof until === 'string' ? Date.parse(until) : Number.NaN
  return Number.isFinite(ms) && ms > 0 ? ms : 0
}

function locate(module: PlatformModule, keys: ConfigurationKeys) {
  const era = eraOf(module.ref.moduleId, module, keys)
  const key = configurationKey(era, keys)
  const inside = key === undefined ? module.desired : module.desired[key]
  const settings: JsonObject = isJsonObject(inside) ? inside : {}
  return { era, key, settings }
}

function offValues(era: ReturnType<typeof eraOf>, key: string | undefined): JsonObject {
  const off = Object.fromEntries(collectionSwitches(era).map((name) => [name, switchedOff(era)]))
  const shaped = shapeConfiguration(off, era, key)
  const inside = key === undefined ? shaped : shaped[key]
  return isJsonObject(inside) ? inside : {}
}

function valueIn(settings: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(settings, name) ? settings[name] : undefined
}
