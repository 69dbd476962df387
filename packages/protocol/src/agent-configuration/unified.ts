import { parseDuration } from '../iso-duration.ts'
import type { JsonValue } from '../json.ts'
import type { Era } from './eras.ts'
import { rtosConstants } from './rtos-constants.ts'
import type { SettingValue } from './setting.ts'
import { listOf } from './value.ts'

/** Values of settings by name; `null` = none. */
export type EffectiveValues = { readonly [name: string]: SettingValue | null }

/** Names that a collector has in each era; none where it does not exist. */
interface Collector {
  readonly name: string
  readonly legacy?: string
  readonly micro?: string
}

const COLLECTORS: readonly Collector[] = [
  { name: 'process', legacy: 'ProcessCreate', micro: 'Process' },
  { name: 'processTermination', legacy: 'ProcessTerminate' },
  { name: 'network', legacy: 'ConnectionCreate', micro: 'NetworkActivity' },
  { name: 'login', legacy: 'Login', micro: 'Login' },
  { name: 'baseline', legacy: 'OSBaseline', micro: 'Baseline' },
  { name: 'systemInformation', legacy: 'SystemInformation', micro: 'SystemInformation' },
  { name: 'log', legacy: 'Diagnostic', micro: 'LogCollector' },
  { name: 'droppedEvents', legacy: 'DroppedEventsStatistics', micro: 'Statistics' },
  { name: 'messages', legacy: 'MessageStatistics', micro: 'Statistics' },
  { name: 'hardware', legacy: 'ConnectedHardware', micro: 'Peripheral' },
  { name: 'packages', micro: 'SBoM' },
  { name: 'files', micro: 'FileSystem' },
  { name: 'heartbeat', micro: 'Heartbeat' },
  { name: 'listeningPorts', legacy: 'ListeningPorts' },
  { name: 'firewall', legacy: 'FirewallConfiguration' },
  { name: 'localUsers', legacy: 'LocalUsers' },
  { name: 'configurationErrors', legacy: 'ConfigurationError' },
]

/**
 * An agent's configuration in words that mean the same in every era: durations in seconds, classes
 * `Off`, `Low`, `Medium`, `High`. A setting that the era does not have is absent.
 *
 *     {"classes.high.interval": 420, "collectors.login.class": "High", "cache.bytes": 2560000}
 */
export function unifiedSettings(
  effective: EffectiveValues,
  era: Era,
): { readonly [name: string]: JsonValue } {
  switch (era) {
    case 'early':
    case 'legacy':
      return fromLegacy(effective)
    case 'micro':
      return fromMicro(effective)
    case 'rtos':
      return fromRtos()
    default:
      return {}
  }
}

type Unified = { [name: string]: JsonValue }

function fromLegacy(effective: EffectiveValues): Unified {
  const unified: Unified = {}
  put(unified, 'classes.high.interval', seconds(effective.highPriorityMessageFrequency))
  put(unified, 'classes.low.interval', seconds(effective.lowPriorityMessageFrequency))
  put(unified, 'snapshotInterval', seconds(effective.snapshotFrequency))
  put(unified, 'cache.bytes', effective.maxLocalCacheSizeInBytes)
  put(unified, 'message.maxBytes', effective.maxMessageSizeInBytes)
  for (const { name, legacy } of COLLECTORS) {
    if (legacy === undefined) continue
    put(unified, `collectors.${name}.class`, effective[`eventPriority${legacy}`])
    put(unified, `collectors.${name}.aggregate`, effective[`aggregationEnabled${legacy}`])
    const interval = seconds(effective[`aggregationInterval${legacy}`])
    put(unified, `collectors.${name}.aggregateInterval`, interval)
  }
  put(unified, 'baseline.custom.enabled', effective.baselineCustomChecksEnabled)
  put(unified, 'baseline.custom.path', effective.baselineCustomChecksFilePath)
  put(unified, 'baseline.custom.hash', effective.baselineCustomChecksFileHash)
  return unified
}

function fromMicro(effective: EffectiveValues): Unified {
  const unified: Unified = {}
  const intervals = listOf(String(effective.CollectorsCore_PriorityIntervals ?? '')).map(Number)
  for (const [at, name] of ['high', 'medium', 'low'].entries()) {
    const minutes = intervals[at]
    put(unified, `classes.${name}.interval`, minutes === undefined ? undefined : minutes * 60)
  }
  const timeout = effective.IothubModule_MessageTimeout
  put(unified, 'message.ttl', typeof timeout === 'number' ? timeout * 60 : undefined)
  for (const { name, micro } of COLLECTORS) {
    if (micro === undefined) continue
    const isOff = effective[`${micro}_Disabled`] === true
    const frequency = effective[`${micro}_MessageFrequency`]
    put(unified, `collectors.${name}.class`, isOff ? 'Off' : frequency)
    put(unified, `collectors.${name}.cacheEvents`, effective[`${micro}_CacheSize`])
  }
  for (const [name, setting] of [
    ['collectors.network.interfaces', 'NetworkActivity_Devices'],
    ['collectors.files.paths', 'FileSystem_Paths'],
    ['baseline.disabledGroups', 'Baseline_GroupsDisabled'],
    ['baseline.disabledChecks', 'Baseline_ChecksDisabled'],
  ] as const) {
    const value = effective[setting]
    put(unified, name, listOf(typeof value === 'string' ? value : ''))
  }
  for (const [name, setting] of [
    ['hardwareVendor', 'HardwareVendor'],
    ['hardwareModel', 'HardwareModel'],
    ['hardwareSerialNumber', 'HardwareSerialNumber'],
    ['firmwareVendor', 'FirmwareVendor'],
    ['firmwareVersion', 'FirmwareVersion'],
  ] as const) {
    put(unified, `inventory.overrides.${name}`, effective[`SystemInformation_${setting}`])
  }
  return unified
}

function fromRtos(): Unified {
  const constants = new Map(rtosConstants.map(({ name, default: value }) => [name, value]))
  const unified: Unified = {}
  put(unified, 'classes.high.interval', constants.get('highInterval'))
  put(unified, 'classes.medium.interval', constants.get('mediumInterval'))
  put(unified, 'classes.low.interval', constants.get('lowInterval'))
  put(unified, 'cache.ipv4Entries', constants.get('ipv4Cache'))
  put(unified, 'cache.ipv6Entries', constants.get('ipv6Cache'))
  return unified
}

function put(unified: Unified, name: string, value: JsonValue | undefined): void {
  if (value !== undefined) unified[name] = value
}

function seconds(value: SettingValue | null | undefined): number | undefined {
  const ms = typeof value === 'string' ? parseDuration(value, { agentMonths: true }) : undefined
  return ms === undefined ? undefined : ms / 1000
}
