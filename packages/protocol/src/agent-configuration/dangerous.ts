import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { type ConfigurationKeys, configurationKey } from './eras.ts'
import type { SettingRemark } from './read.ts'
import type { Setting } from './setting.ts'
import { settingsOf } from './tables.ts'
import { checkValue } from './value.ts'

/** Settings that let an agent run something as root; legacy agents alone have such. */
const PRIVILEGED: readonly Setting[] = [...settingsOf('legacy').values()].filter(
  ({ privileged }) => privileged,
)

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
  for (const object of configurationObjects(desired, keys)) {
    for (const setting of PRIVILEGED) {
      if (setting.type !== 'text') continue
      const value = plainValue(object, setting.name)
      if (value === null || value === undefined) continue
      const checked = checkValue(setting, value)
      if ('reason' in checked) found.push({ name: setting.name, reason: checked.reason })
    }
  }
  return found
}

/**
 * The privileged settings that differ between two states of a security module's desired properties.
 *
 * @param keys  configuration objects to look into, besides the eras' own
 * @returns their names, each once
 */
export function privilegedChanges(
  before: JsonObject,
  after: JsonObject,
  keys: readonly string[] = [],
): readonly string[] {
  const changed = PRIVILEGED.filter(({ name }) =>
    allKeys(keys).some((key) => textAt(before, key, name) !== textAt(after, key, name)),
  )
  return changed.map(({ name }) => name)
}

/** The keys that a hub has given its configuration objects. */
export function ownKeys({ legacy, early }: ConfigurationKeys): readonly string[] {
  return [legacy, early].filter((key) => key !== undefined)
}

/**
 * A patch of desired as a legacy agent must be told it. The C agent takes the payload for the complete
 * configuration, so that a patch of one setting would give every other its default: the object is
 * filled up with what the twin holds. What was removed stays a `null`.
 *
 * @param values  the desired properties after the patch
 */
export function completePatch(
  patch: JsonObject,
  values: JsonObject,
  keys: readonly string[] = [],
): JsonObject {
  const filled: [string, JsonValue][] = []
  for (const key of allKeys(keys)) {
    const told = Object.hasOwn(patch, key) ? patch[key] : undefined
    const whole = Object.hasOwn(values, key) ? values[key] : undefined
    if (!isJsonObject(told) || !isJsonObject(whole)) continue
    const removed = Object.entries(told).filter(([, value]) => value === null)
    filled.push([key, { ...Object.fromEntries(removed), ...whole }])
  }
  return filled.length === 0 ? patch : { ...patch, ...Object.fromEntries(filled) }
}

function textAt(desired: JsonObject, key: string, name: string): string {
  const object = Object.hasOwn(desired, key) ? desired[key] : undefined
  const value = isJsonObject(object) ? plainValue(object, name) : undefined
  return JSON.stringify(value ?? null)
}

function configurationObjects(desired: JsonObject, keys: readonly string[]): JsonObject[] {
  return allKeys(keys)
    .map((key) => (Object.hasOwn(desired, key) ? desired[key] : undefined))
    .filter(isJsonObject)
}

function allKeys(keys: readonly string[]): readonly string[] {
  return [configurationKey('legacy') ?? '', configurationKey('early') ?? '', ...keys]
}

function plainValue(object: JsonObject, name: string): JsonValue | undefined {
  if (!Object.hasOwn(object, name)) return undefined
  const raw = object[name]
  return isJsonObject(raw) && Object.hasOwn(raw, 'value') ? raw.value : raw
}
