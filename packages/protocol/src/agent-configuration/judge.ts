import { parseDuration } from '../iso-duration.ts'
import type { JsonValue } from '../json.ts'
import type { Era } from './eras.ts'
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
 * Judges a set of settings as a whole. What agents would flag as `Conflict` or `NotOptimal` is a
 * warning, because they use such values all the same. A name that no micro agent is known to have is
 * kept with a warning, because newer agents have more; any other unknown name is a mistake.
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
  return { settings: judged, mistakes, warnings: [...warnings, ...judgeTogether(judged)] }
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

/** What legacy agents would say about values that do not go together; names of micro agents differ. */
function judgeTogether(settings: Settings): SettingRemark[] {
  const {
    maxLocalCacheSizeInBytes: cache,
    maxMessageSizeInBytes: message,
    highPriorityMessageFrequency: high,
    lowPriorityMessageFrequency: low,
    baselineCustomChecksEnabled: customChecks,
  } = settings
  const warnings: SettingRemark[] = []
  if (typeof cache === 'number' && typeof message === 'number' && cache < message) {
    const reason = `conflict: it is smaller than maxMessageSizeInBytes (${cache} < ${message})`
    warnings.push({ name: 'maxLocalCacheSizeInBytes', reason })
  }
  if ((durationMs(high) ?? 0) > (durationMs(low) ?? Number.POSITIVE_INFINITY)) {
    const reason = `conflict: it is longer than lowPriorityMessageFrequency (${high} > ${low})`
    warnings.push({ name: 'highPriorityMessageFrequency', reason })
  }
  if (typeof message === 'number' && message % BILLED_BYTES !== 0) {
    const reason = `not optimal: it is no multiple of ${BILLED_BYTES}`
    warnings.push({ name: 'maxMessageSizeInBytes', reason })
  }
  if (customChecks === true) {
    for (const needed of ['baselineCustomChecksFilePath', 'baselineCustomChecksFileHash']) {
      if (settings[needed] !== undefined) continue
      warnings.push({
        name: needed,
        reason: 'no custom check runs: the switch alone is not enough',
      })
    }
  }
  return warnings
}

function durationMs(value: SettingValue | undefined): number | undefined {
  return typeof value === 'string' ? parseDuration(value) : undefined
}
