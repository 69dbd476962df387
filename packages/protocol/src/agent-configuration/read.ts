import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { configurationKey, type Era } from './eras.ts'
import type { Settings, SettingValue } from './setting.ts'
import { settingsOf } from './tables.ts'
import { listOf, readValue } from './value.ts'

/** Why a value, or the whole object, could not be understood or may not be written. */
export interface SettingRemark {
  readonly name: string
  readonly reason: string
}

/** What one section of a twin says about an agent's configuration. */
export interface ConfigurationReading {
  /** Whether the section holds a configuration at all; for `micro` any setting counts. */
  readonly present: boolean
  readonly settings: Settings
  readonly unreadable: readonly SettingRemark[]
  /** Values of names that the era does not know, unwrapped. */
  readonly unknown: { readonly [name: string]: JsonValue }
  /** Settings wrapped where they should be plain, or the other way; agents refuse those. */
  readonly misshapen: readonly string[]
}

const NOTHING: ConfigurationReading = {
  present: false,
  settings: {},
  unreadable: [],
  unknown: {},
  misshapen: [],
}

/** What the micro agent reports about its configuration; no settings of their own. */
const MICRO_RESULTS = ['latest_state', 'latest_invalid_fields']

/**
 * Reads the configuration out of desired or reported properties; never throws.
 *
 *     legacy  {"ms_iotn:…": {"snapshotFrequency": {"value": "PT13H"}}}
 *     early   {"azureiot*com^…": {"snapshotFrequency": "PT13H"}}
 *     micro   {"Process_Mode": 1}
 *
 * @param key  of the configuration object, where it is not the era's own
 */
export function readConfiguration(
  section: JsonObject,
  era: Era,
  key = configurationKey(era),
): ConfigurationReading {
  if (era === 'micro') return readMembers(section, era)
  if (key === undefined || !Object.hasOwn(section, key)) return NOTHING
  const object = section[key] as JsonValue
  if (!isJsonObject(object)) {
    return { ...NOTHING, present: true, unreadable: [{ name: key, reason: 'it is not an object' }] }
  }
  return { ...readMembers(object, era), present: true }
}

function readMembers(object: JsonObject, era: Era): ConfigurationReading {
  const known = settingsOf(era)
  const settings: [string, SettingValue][] = []
  const unknown: [string, JsonValue][] = []
  const unreadable: SettingRemark[] = []
  const misshapen: string[] = []
  for (const [name, raw] of Object.entries(object)) {
    if (name.startsWith('$') || (era === 'micro' && MICRO_RESULTS.includes(name))) continue
    const isWrapped = isJsonObject(raw) && Object.hasOwn(raw, 'value')
    const plain = isWrapped ? (raw.value as JsonValue) : raw
    const setting = known.get(name)
    if (setting === undefined) {
      unknown.push([name, plain])
      continue
    }
    if (setting.default === null && isNothing(raw)) continue
    if (isWrapped !== (era === 'legacy')) misshapen.push(name)
    const read = readValue(setting, plain)
    if ('value' in read) settings.push([name, read.value])
    else unreadable.push({ name, reason: read.reason })
  }
  return {
    present: settings.length + unreadable.length > 0,
    settings: Object.fromEntries(settings),
    unreadable,
    unknown: Object.fromEntries(unknown),
    misshapen,
  }
}

/**
 * How agents write that a setting has no value. A hub takes the `null` out of `{"value": null}`, so
 * that an empty object is left.
 */
function isNothing(raw: JsonValue): boolean {
  if (!isJsonObject(raw)) return raw === null
  const names = Object.keys(raw)
  return names.length === 0 || (names.length === 1 && raw.value === null)
}

/** What the micro agent says about the configuration it read last. */
export interface MicroResult {
  readonly state: 'success' | 'failed' | 'unknown'
  /** Names of settings; agents write a list or a comma-separated text. */
  readonly invalidFields: readonly string[]
}

export function readMicroResult(reported: JsonObject): MicroResult {
  const { latest_state: state, latest_invalid_fields: fields } = reported
  const text = typeof state === 'string' ? state.toLowerCase() : ''
  const isList = Array.isArray(fields)
  const names = isList ? fields.filter((field) => typeof field === 'string') : []
  return {
    state: text === 'success' || text === 'failed' ? text : 'unknown',
    invalidFields: typeof fields === 'string' ? listOf(fields) : names,
  }
}
