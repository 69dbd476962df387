import {
  type ConfigurationKeys,
  configurationKey,
  DEFAULT_SECURITY_MODULE_ID,
  type Era,
  eraOf,
  HubError,
  isJsonObject,
  isSecurityModuleId,
  type JsonObject,
  type JsonValue,
  judgeSettings,
  refuseMistakes,
  refuseUnconfigurable,
  type SettingRemark,
  securityModuleIds,
  shapeConfiguration,
} from '@twinward/protocol'

/** Settings for the security modules of a fleet. */
export interface FleetSettings {
  /** By name, as the era spells them. */
  readonly settings: { readonly [name: string]: JsonValue }
  readonly era: Era
  /** Default: as security modules of the era are called. */
  readonly moduleId?: string
  /** In lower case; absent = all groups. */
  readonly group?: string
  /** A further condition over the modules, e.g. `tags.posture.openAlerts.high > 0`. */
  readonly where?: string
}

/** The content and the target of an automatic configuration of the hub (iot-hub 08 §2). */
export interface FleetConfiguration {
  readonly content: { readonly moduleContent: JsonObject }
  readonly targetCondition: string
  readonly warnings: readonly SettingRemark[]
}

/** How modules of this server are named and configured. */
export interface FleetNaming {
  /** The id that this hub gives to the modules it creates. */
  readonly securityModuleId?: string
  readonly keys?: ConfigurationKeys
}

/** More than there are settings is no honest request. */
const MAX_SETTINGS = 100
/** Of an id in an error. */
const MAX_SHOWN_CHARACTERS = 64

/**
 * The automatic configuration that gives these settings to all security modules that it is for, in the
 * shape of their era, each setting by a path of its own: so that several configurations together say
 * what one agent gets, by priority. What the configuration does not name stays as it is; when it goes,
 * the layers of group and hub fill what it leaves empty. Pure.
 *
 * @throws {HubError} `ArgumentInvalid` that lists every mistake; for an era without configuration
 */
export function fleetConfiguration(
  { settings, era, moduleId: asked, group, where }: FleetSettings,
  { securityModuleId = DEFAULT_SECURITY_MODULE_ID, keys = {} }: FleetNaming = {},
): FleetConfiguration {
  refuseUnconfigurable(era)
  const moduleId = asked ?? usualModuleId(era, securityModuleId)
  refuseStrangers(moduleId, era, securityModuleId)
  const count = Object.keys(settings).length
  if (count === 0) throw invalid('settings names nothing to configure.')
  if (count > MAX_SETTINGS) throw invalid(`${count} settings, at most ${MAX_SETTINGS}.`)
  const judged = judgeSettings(settings, era)
  refuseMistakes(judged.mistakes)
  const shaped = shapeConfiguration(judged.settings, era, configurationKey(era, keys))
  const paths = Object.entries(shaped).flatMap(([name, value]) => pathsOf([name], value))
  return {
    content: {
      moduleContent: Object.fromEntries(
        paths.map(([keysOf, value]) => [`properties.desired.${keysOf.join('.')}`, value]),
      ),
    },
    targetCondition: targetOf({ moduleId, era, group, where }),
    warnings: judged.warnings,
  }
}

/** Its own name for modules of its era, else the name that agents of the era bring along. */
function usualModuleId(era: Era, securityModuleId: string): string {
  if (isOfEra(securityModuleId, era)) return securityModuleId
  const known = securityModuleIds(securityModuleId)
  return known.find((moduleId) => isOfEra(moduleId, era)) ?? securityModuleId
}

/** No module of that id would ever be a target. */
function refuseStrangers(moduleId: string, era: Era, securityModuleId: string): void {
  if (!isSecurityModuleId(moduleId, securityModuleId)) {
    throw invalid(`moduleId: '${moduleId.slice(0, MAX_SHOWN_CHARACTERS)}' is no security module.`)
  }
  if (isOfEra(moduleId, era)) return
  throw invalid(`moduleId: '${moduleId}' is of the era ${eraOf(moduleId)}, not ${era}.`)
}

/** Modules of the early era have the ids of the legacy one. */
function isOfEra(moduleId: string, era: Era): boolean {
  return eraOf(moduleId) === (era === 'early' ? 'legacy' : era)
}

type PathValue = readonly [keys: readonly string[], value: JsonValue]

function pathsOf(keys: readonly string[], value: JsonValue): readonly PathValue[] {
  if (!isJsonObject(value)) return [[keys, value]]
  return Object.entries(value).flatMap(([name, member]) => pathsOf([...keys, name], member))
}

/**
 * The group is the one that the service has found for the device, and shows in the module's tags; the
 * era too, as agents of several share a module id and each would be given what it cannot read.
 */
function targetOf({
  moduleId,
  era,
  group,
  where,
}: {
  readonly moduleId: string
  readonly era: Era
  readonly group: string | undefined
  readonly where: string | undefined
}): string {
  const terms = [
    `moduleId = ${quote(moduleId)}`,
    `tags.posture.era = ${quote(era)}`,
    ...(group === undefined ? [] : [`tags.posture.group = ${quote(group)}`]),
    ...(where === undefined ? [] : [`(${where})`]),
  ]
  return `FROM devices.modules WHERE ${terms.join(' AND ')}`
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
