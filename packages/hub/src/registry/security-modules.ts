import { HubError, isSecurityModuleId } from '@twinward/protocol'
import type { Entry } from './registry.ts'

/**
 * The id of the security module that is meant on a device: the one that was named; else the one that
 * the hub makes, when it is there; else the only one there is; else the one that the hub would make.
 *
 * @param modules  of the device
 * @throws {HubError} `ArgumentInvalid` for a name that is no security module's
 */
export function chooseSecurityModule(
  modules: readonly Entry[],
  canonicalId: string,
  named?: string,
): string {
  if (named !== undefined) {
    if (isSecurityModuleId(named, canonicalId)) return named
    throw new HubError('ArgumentInvalid', 'moduleId must be the id of a security module.')
  }
  const found = securityModules(modules, canonicalId).map(({ ref }) => ref.moduleId ?? '')
  const [only, ...others] = found
  if (only === undefined || others.length > 0 || found.includes(canonicalId)) return canonicalId
  return only
}

/** Those of a device's modules that are security modules, by whatever name. */
export function securityModules(modules: readonly Entry[], canonicalId: string): readonly Entry[] {
  return modules.filter(({ ref }) => isSecurityModuleId(ref.moduleId ?? '', canonicalId))
}
