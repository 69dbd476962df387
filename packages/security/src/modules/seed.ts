import {
  type ConfigurationKeys,
  configurationKey,
  eraOf,
  type JsonObject,
  writeConfiguration,
} from '@twinward/protocol'

/** What a new security module starts with. */
export interface SecurityModuleSeed {
  readonly moduleId: string
  readonly tags: JsonObject
  readonly desired: JsonObject
}

export interface SeedOptions {
  readonly keys?: ConfigurationKeys
  /** Default `default`. */
  readonly securityGroup?: string
}

/**
 * The security module of a new device: `{moduleId, tags: {securityGroup: "default"}, desired}`.
 *
 * Legacy agents get their complete published configuration, as they expect it. Micro agents start
 * from an empty one, as they always did: an older one would refuse settings it has never heard of.
 * Pure.
 */
export function securityModuleSeed(
  moduleId: string,
  { keys = {}, securityGroup = 'default' }: SeedOptions = {},
): SecurityModuleSeed {
  const era = eraOf(moduleId, {}, keys)
  const desired = era === 'legacy' ? writeConfiguration({}, era, configurationKey(era, keys)) : {}
  return { moduleId, tags: { securityGroup }, desired }
}
