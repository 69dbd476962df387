import { isJsonObject, type JsonObject } from '../json.ts'

/**
 * Which spelling of twin configuration an agent uses.
 *
 * | era | agents | module id | configuration under desired |
 * | --- | --- | --- | --- |
 * | `preview` | the private preview of 2019 | `Microsoft.Security` | none that is documented |
 * | `early` | C and C# 0.0.3 | `azureiotsecurity` | one object of plain values |
 * | `legacy` | C and C# 0.0.4 to 0.0.6 | `azureiotsecurity` | one object of `{"value": x}` |
 * | `micro` | Linux micro agent | `DefenderIotMicroAgent` | plain values at the top |
 * | `rtos` | Azure RTOS security module | `defender-iot-micro-agent` | none, fixed at build time |
 */
export type Era = 'preview' | 'early' | 'legacy' | 'micro' | 'rtos'

/** Which program answers for a security module; `unknown` until its reported properties tell. */
export type AgentKind = 'c' | 'csharp' | 'micro' | 'rtos' | 'unknown'

export const DEFAULT_SECURITY_MODULE_ID = 'azureiotsecurity'

/** Module ids that agents bring along, exactly as they spell them. */
const ERA_OF_MODULE_ID: ReadonlyMap<string, Era> = new Map([
  ['azureiotsecurity', 'legacy'],
  ['DefenderIotMicroAgent', 'micro'],
  ['defender-iot-micro-agent', 'rtos'],
  ['asc_security_module', 'rtos'],
  ['Microsoft.Security', 'preview'],
])

/**
 * Where the configuration object lies, per era. Both agents read the name from a local file, so a
 * fleet may have chosen another one: `legacy` and `early` can be overridden.
 */
export interface ConfigurationKeys {
  readonly legacy?: string
  readonly early?: string
}

export const LEGACY_CONFIGURATION_KEY = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration'
export const EARLY_CONFIGURATION_KEY = 'azureiot*com^securityAgentConfiguration^1*0*0'

/** Every era, oldest first. */
export const ERAS: readonly Era[] = ['preview', 'early', 'legacy', 'micro', 'rtos']

/** Eras whose settings have the same names, so that one document can hold them for all. */
export type SettingFamily = 'legacy' | 'micro'

/** `undefined` for eras without twin configuration. */
export function familyOf(era: Era): SettingFamily | undefined {
  if (era === 'early' || era === 'legacy') return 'legacy'
  return era === 'micro' ? 'micro' : undefined
}

/** Whether agents of this era read their configuration from the twin. */
export function hasTwinConfiguration(era: Era): boolean {
  return familyOf(era) !== undefined
}

/** The key of the configuration object; `undefined` for eras without one. */
export function configurationKey(era: Era, keys: ConfigurationKeys = {}): string | undefined {
  if (era === 'legacy') return keys.legacy ?? LEGACY_CONFIGURATION_KEY
  if (era === 'early') return keys.early ?? EARLY_CONFIGURATION_KEY
  return undefined
}

/**
 * Whether a module is a device's security module. Ids are case-sensitive: `AzureIoTSecurity` is
 * somebody else's module.
 *
 * @param canonicalId  the id that this hub gives to the modules it creates
 */
export function isSecurityModuleId(
  moduleId: string,
  canonicalId = DEFAULT_SECURITY_MODULE_ID,
): boolean {
  return moduleId === canonicalId || ERA_OF_MODULE_ID.has(moduleId)
}

/** Every id that a security module may have. */
export function securityModuleIds(canonicalId = DEFAULT_SECURITY_MODULE_ID): readonly string[] {
  return [...new Set([canonicalId, ...ERA_OF_MODULE_ID.keys()])]
}

/**
 * The era of a security module. An id of our own choosing is a `legacy` one. `early` and `legacy`
 * share an id, so the twin decides: what the agent reports first, then what is desired of it.
 */
export function eraOf(
  moduleId: string,
  twin: { readonly desired?: JsonObject; readonly reported?: JsonObject } = {},
  keys: ConfigurationKeys = {},
): Era {
  const era = ERA_OF_MODULE_ID.get(moduleId) ?? 'legacy'
  if (era !== 'legacy') return era
  const early = configurationKey('early', keys) ?? ''
  const legacy = configurationKey('legacy', keys) ?? ''
  for (const section of [twin.reported, twin.desired]) {
    if (section === undefined) continue
    if (isJsonObject(section[legacy])) return 'legacy'
    if (isJsonObject(section[early])) return 'early'
  }
  return 'legacy'
}
