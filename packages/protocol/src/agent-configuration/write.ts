import { HubError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { configurationKey, type Era, hasTwinConfiguration } from './eras.ts'
import { judgeSettings } from './judge.ts'
import type { SettingRemark } from './read.ts'
import type { Settings } from './setting.ts'
import { defaultSettings } from './tables.ts'

/**
 * The desired properties that give an agent these settings. For `legacy` and `early` the object is
 * complete: what `settings` leaves out has its published default. For `micro` only what is given.
 *
 * @param key  of the configuration object, where it is not the era's own
 * @throws {HubError} `ArgumentInvalid` that lists every mistake; for an era without configuration
 */
export function writeConfiguration(
  settings: Settings,
  era: Era,
  key = configurationKey(era),
): JsonObject {
  refuseUnconfigurable(era)
  const wanted = era === 'micro' ? settings : { ...defaultSettings(era), ...settings }
  const judged = judgeSettings(wanted, era)
  refuseMistakes(judged.mistakes)
  return shapeConfiguration(judged.settings, era, key)
}

/** Puts judged settings into the shape of their era, as they are; `null` stays a plain `null`. */
export function shapeConfiguration(
  settings: { readonly [name: string]: JsonValue },
  era: Era,
  key = configurationKey(era),
): JsonObject {
  if (key === undefined || era === 'micro') return settings
  if (era === 'early') return { [key]: settings }
  // A removal must be bare: an agent takes `{"value": null}` for a broken value.
  const wrapped = Object.entries(settings).map(([name, value]) => [
    name,
    value === null ? null : { value },
  ])
  return { [key]: Object.fromEntries(wrapped) }
}

/** @throws {HubError} `ArgumentInvalid` for an era whose agents read nothing from the twin */
export function refuseUnconfigurable(era: Era): void {
  if (hasTwinConfiguration(era)) return
  throw new HubError('ArgumentInvalid', `Agents of era ${era} read no configuration from the twin.`)
}

/** @throws {HubError} `ArgumentInvalid` that lists all of them, if there are any */
export function refuseMistakes(mistakes: readonly SettingRemark[]): void {
  if (mistakes.length === 0) return
  const listed = mistakes.map(({ name, reason }) => `${name}: ${reason}`).join('; ')
  throw new HubError('ArgumentInvalid', `The configuration is refused. ${listed}.`)
}
