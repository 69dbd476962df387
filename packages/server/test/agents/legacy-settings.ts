import { isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'

export type SettingValue = string | number | boolean | null

/** A setting as an agent's code knows it. */
export interface LegacySetting {
  readonly type: 'duration' | 'number' | 'priority' | 'flag' | 'text'
  readonly initial: SettingValue
}

const duration = (initial: string) => ({ type: 'duration', initial }) as const
const number = (initial: number) => ({ type: 'number', initial }) as const
const priority = (initial: string) => ({ type: 'priority', initial }) as const
const flag = (initial: boolean) => ({ type: 'flag', initial }) as const
const text = (initial: string | null) => ({ type: 'text', initial }) as const

/** What both agents know (security 02 §2). */
const SHARED: Readonly<Record<string, LegacySetting>> = {
  highPriorityMessageFrequency: duration('PT7M'),
  lowPriorityMessageFrequency: duration('PT5H'),
  snapshotFrequency: duration('PT13H'),
  maxMessageSizeInBytes: number(204800),
  eventPriorityListeningPorts: priority('High'),
  eventPriorityProcessCreate: priority('Low'),
  eventPrioritySystemInformation: priority('Low'),
  eventPriorityLocalUsers: priority('High'),
  eventPriorityLogin: priority('High'),
  eventPriorityConnectionCreate: priority('Low'),
  eventPriorityFirewallConfiguration: priority('Low'),
  eventPriorityOSBaseline: priority('Low'),
  eventPriorityDiagnostic: priority('Low'),
  aggregationEnabledProcessCreate: flag(true),
  aggregationIntervalProcessCreate: duration('PT1H'),
  aggregationEnabledConnectionCreate: flag(true),
  aggregationIntervalConnectionCreate: duration('PT1H'),
}

const CUSTOM_CHECKS: Readonly<Record<string, LegacySetting>> = {
  baselineCustomChecksEnabled: flag(false),
  baselineCustomChecksFilePath: text(null),
  baselineCustomChecksFileHash: text(null),
}

/** Of the C agent 0.0.6: its own default for the cache, one switch for the operational events. */
export const C_SETTINGS: Readonly<Record<string, LegacySetting>> = {
  ...SHARED,
  ...CUSTOM_CHECKS,
  maxLocalCacheSizeInBytes: number(10_485_760),
  eventPriorityOperational: priority('high'),
}

const CSHARP_ONLY: Readonly<Record<string, LegacySetting>> = {
  maxLocalCacheSizeInBytes: number(2_560_000),
  eventPriorityConnectedHardware: priority('Low'),
  eventPriorityProcessTerminate: priority('Low'),
  eventPriorityConfigurationError: priority('Low'),
  eventPriorityDroppedEventsStatistics: priority('Low'),
  eventPriorityMessageStatistics: priority('Low'),
}

export const CSHARP_SETTINGS: Readonly<Record<string, LegacySetting>> = {
  ...SHARED,
  ...CUSTOM_CHECKS,
  ...CSHARP_ONLY,
  aggregationEnabledProcessTerminate: flag(true),
  aggregationIntervalProcessTerminate: duration('PT1H'),
  hubResourceId: text(''),
}

/** Of version 0.0.3: no aggregation, no custom checks. */
export const EARLY_SETTINGS: Readonly<Record<string, LegacySetting>> = Object.fromEntries(
  Object.entries({ ...SHARED, ...CSHARP_ONLY }).filter(([name]) => !name.startsWith('aggregation')),
)

/** A configuration that an agent does not take: nothing of it is applied. */
export class TypeMismatch extends Error {
  override readonly name = 'TypeMismatch'
}

/**
 * The settings of a configuration object; what it lacks has its default, what is unknown is passed over.
 *
 * @param isWrapped  whether a value is `{"value": x}`
 * @throws {TypeMismatch}
 */
export function readSettings(
  known: Readonly<Record<string, LegacySetting>>,
  object: JsonValue | undefined,
  isWrapped: boolean,
): Readonly<Record<string, SettingValue>> {
  const settings: Record<string, SettingValue> = {}
  for (const [name, { initial }] of Object.entries(known)) settings[name] = initial
  if (object === undefined) return settings
  if (!isJsonObject(object)) throw new TypeMismatch('the configuration is no object')
  for (const [name, given] of Object.entries(object)) {
    const setting = known[name]
    if (!setting) continue
    if (isWrapped && !(isJsonObject(given) && 'value' in given)) throw new TypeMismatch(name)
    const value = isWrapped ? (given as JsonObject).value : given
    if (!fits(setting, value)) throw new TypeMismatch(name)
    settings[name] = value as SettingValue
  }
  return settings
}

const DURATION = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?$/

function fits({ type }: LegacySetting, value: JsonValue | undefined): boolean {
  switch (type) {
    case 'number':
      return Number.isInteger(value)
    case 'flag':
      return typeof value === 'boolean'
    case 'duration':
      return typeof value === 'string' && DURATION.test(value)
    case 'priority':
      return typeof value === 'string' && /^(off|low|high)$/i.test(value)
    case 'text':
      return value === null || typeof value === 'string'
  }
}

/** `P1D` → `PT24H`: the C agent keeps milliseconds and writes them its own way. */
export function respellDuration(text: string): string {
  const [, weeks, days, hours, minutes, seconds] = (DURATION.exec(text) ?? []).map(
    (part) => Number(part) || 0,
  )
  const allHours = ((weeks ?? 0) * 7 + (days ?? 0)) * 24 + (hours ?? 0)
  const parts = [allHours && `${allHours}H`, minutes && `${minutes}M`, seconds && `${seconds}S`]
  return `PT${parts.filter(Boolean).join('')}`
}
