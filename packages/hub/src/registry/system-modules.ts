import {
  type Authentication,
  type DeviceRef,
  HubError,
  type Identity,
  MAX_MODULES_PER_DEVICE,
} from '@twinward/protocol'
import { type AuthenticationWrite, resolveAuthentication } from './authentication.ts'

/** Modules that every edge device owns; they come and go with `capabilities.iotEdge` (01 §2). */
export const EDGE_MODULE_IDS: readonly string[] = ['$edgeAgent', '$edgeHub']

/** Who manages them. */
export const EDGE_MANAGER = 'iotEdge'

/** Ids that begin with `$` are the hub's own. */
export function isSystemModule({ moduleId }: DeviceRef): boolean {
  return moduleId?.startsWith('$') ?? false
}

/** @throws {HubError} `ArgumentInvalid`: nobody creates one by hand (01 §1) */
export function refuseSystemModule(ref: DeviceRef): void {
  if (isSystemModule(ref)) {
    throw new HubError('ArgumentInvalid', 'Module ids that begin with $ are reserved.')
  }
}

/**
 * System modules come on their own and do not count (01 §2).
 *
 * @throws {HubError} `TooManyModulesOnDevice`
 */
export function checkModuleCount(modules: readonly { readonly ref: DeviceRef }[]): void {
  const count = modules.filter(({ ref }) => !isSystemModule(ref)).length
  if (count <= MAX_MODULES_PER_DEVICE) return
  throw new HubError(
    'TooManyModulesOnDevice',
    `A device may have ${MAX_MODULES_PER_DEVICE} modules.`,
  )
}

/** What an identity authenticates with after a write; a system module needs nothing (01 §3). */
export function authenticationOf(
  write: AuthenticationWrite | undefined,
  ref: DeviceRef,
): Authentication {
  if (isSystemModule(ref) && isUnset(write)) return { type: 'none' }
  return resolveAuthentication(write, ref)
}

/** Nobody but the runtime gives a system module keys. */
function isUnset(write: AuthenticationWrite | undefined): boolean {
  const { type, symmetricKey, x509Thumbprint } = write ?? {}
  if (type && type.toLowerCase() !== 'none' && type.toLowerCase() !== 'sas') return false
  if (type?.toLowerCase() === 'none') return true
  return !(
    symmetricKey?.primaryKey ||
    symmetricKey?.secondaryKey ||
    x509Thumbprint?.primaryThumbprint ||
    x509Thumbprint?.secondaryThumbprint
  )
}

/** Whether toggling edge brings or takes the system modules. */
export function edgeChange(before: Identity, after: Identity): 'comes' | 'goes' | 'stays' {
  if (before.iotEdge === after.iotEdge) return 'stays'
  return after.iotEdge ? 'comes' : 'goes'
}
