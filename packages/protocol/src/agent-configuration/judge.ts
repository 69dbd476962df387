import { parseDuration } from '../iso-duration.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { configurationKey, type Era } from './eras.ts'
import type { SettingRemark } from './read.ts'
import type { Settings, SettingValue } from './setting.ts'
import { settingsOf, suggestSetting } from './tables.ts'
import { checkValue } from './value.ts'

/** What may be written, spelled as agents understand it, and what its author should know. */
export interface Judgement {
  readonly settings: Settings
  /** Reasons to refuse all of it. */
  readonly mistakes: readonly SettingRemark[]
  readonly warnings: readonly SettingRemark[]
}

/** A message of optimal size is a multiple of what the hub bills as one. */
const BILLED_BYTES = 4096
/** Longer names are cut in remarks. */
const SHOWN_CHARACTERS = 64

/**
 * Judges a set of settings as a whole. What agents of the era would flag as `Conflict` is a
 * mistake, what they would call `NotOptimal` a warning. A name that no micro agent is known to have is kept
 * with a warning, because newer agents have more; any other unknown name is a mistake.
 */
export function judgeSettings(values: { readonly [name: string]: JsonValue }, era: Era): Judgement {
  const settings: [string, SettingValue][] = []
  const mistakes: SettingRemark[] = []
  const warnings: SettingRemark[] = []
  for (const [name, raw] of Object.entries(values)) {
    const setting = settingsOf(era).get(name)
    if (setting === undefined) {
      const unknown = judgeUnknown(name, raw, era)
      if ('mistake' in unknown) mistakes.push(unknown.mistake)
      else {
        settings.push([name, unknown.value])
        warnings.push(unknown.warning)
      }
      continue
    }
    const checked = checkValue(setting, raw)
    if ('reason' in checked) mistakes.push({ name, reason: checked.reason })
    else {
      settings.push([name, checked.value])
      if (checked.warning !== undefined) warnings.push({ name, reason: checked.warning })
    }
  }
  const judged = Object.fromEntries(settings)
  if (era !== 'micro') judgeTogether(judged, mistakes, warnings)
  return { settings: judged, mistakes, warnings }
}

type Unknown =
  | { readonly mistake: SettingRemark }
  | { readonly value: SettingValue; readonly warning: SettingRemark }

function judgeUnknown(fullName: string, raw: JsonValue, era: Era): Unknown {
  const name = fullName.slice(0, SHOWN_CHARACTERS)
  const meant = suggestSetting(fullName, era)
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  if (era !== 'micro') {
    return { mistake: { name, reason: `agents of era ${era} have no such setting${hint}` } }
  }
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(fullName)) {
    return { mistake: { name, reason: 'a name is made of letters, digits, _ and -' } }
  }
  if (raw === null || typeof raw === 'object') {
    return { mistake: { name, reason: 'a micro agent takes texts, numbers and booleans only' } }
  }
  return { value: raw, warning: { name, reason: `unknown to the agents we know${hint}` } }
}

function judgeTogether(
  settings: Settings,
  mistakes: SettingRemark[],
  warnings: SettingRemark[],
): void {
  const {
    maxLocalCacheSizeInBytes: cache,
    maxMessageSizeInBytes: message,
    highPriorityMessageFrequency: high,
    lowPriorityMessageFrequency: low,
    baselineCustomChecksEnabled: customChecks,
  } = settings
  if (typeof cache === 'number' && typeof message === 'number' && cache < message) {
    const reason = `it is smaller than maxMessageSizeInBytes (${cache} < ${message})`
    mistakes.push({ name: 'maxLocalCacheSizeInBytes', reason })
  }
  if ((durationMs(high) ?? 0) > (durationMs(low) ?? Number.POSITIVE_INFINITY)) {
    const reason = `it is longer than lowPriorityMessageFrequency (${high} > ${low})`
    mistakes.push({ name: 'highPriorityMessageFrequency', reason })
  }
  if (typeof message === 'number' && message % BILLED_BYTES !== 0) {
    const reason = `not optimal: it is no multiple of ${BILLED_BYTES}`
    warnings.push({ name: 'maxMessageSizeInBytes', reason })
  }
  if (customChecks === true) {
    for (const needed of ['baselineCustomChecksFilePath', 'baselineCustomChecksFileHash']) {
      if (settings[needed] !== undefined || mistakes.some(({ name }) => name === needed)) continue
      mistakes.push({ name: needed, reason: 'baselineCustomChecksEnabled needs it' })
    }
  }
}

function durationMs(value: SettingValue | undefined): number | undefined {
  return typeof value === 'string' ? parseDuration(value) : undefined
}

/**
 * Finds what may never be written into any security module's desired properties, whoever asks and
 * by whatever route: values that legacy agents would run as a shell command.
 *
 * @param keys  configuration objects to look into, besides the eras' own
 * @returns one remark for each dangerous value; empty for almost every patch
 */
export function dangerousValues(
  desired: JsonObject,
  keys: readonly string[] = [],
): SettingRemark[] {
  const found: SettingRemark[] = []
  for (const key of [configurationKey('legacy'), configurationKey('early'), ...keys]) {
    const object = key === undefined || !Object.hasOwn(desired, key) ? undefined : desired[key]
    if (!isJsonObject(object)) continue
    for (const setting of settingsOf('legacy').values()) {
      if (!setting.privileged || !Object.hasOwn(object, setting.name)) continue
      const raw = object[setting.name] as JsonValue
      const value = isJsonObject(raw) && Object.hasOwn(raw, 'value') ? raw.value : raw
      if (value === null || value === undefined) continue
      const checked = checkValue(setting, value)
      if ('reason' in checked) found.push({ name: setting.name, reason: checked.reason })
    }
  }
  return found
}
