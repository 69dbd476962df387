import { HubError, type Identity } from '@twinward/protocol'
import type { IdentityWrite } from './identity-write.ts'

/** `deviceScope` and `parentScopes` of an identity, absent where there is none. */
export type Scopes = Pick<Identity, 'deviceScope' | 'parentScopes'>

const SCHEME = 'ms-azure-iot-edge://'
/** The scheme, an id of the id alphabet, and ticks of up to 20 digits. */
const SCOPE = /^ms-azure-iot-edge:\/\/[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,149}$/

/**
 * Scopes of a new device (01 §6). What a caller says of an edge device's own scope is ignored.
 *
 * @param ticks  tell the scopes of two lives of one device id apart
 * @throws {HubError} `InvalidDeviceScope`
 */
export function scopesOfNew(deviceId: string, write: IdentityWrite, ticks: string): Scopes {
  if (write.iotEdge !== true) return leafScopes(write)
  return { deviceScope: `${SCHEME}${deviceId}-${ticks}`, ...edgeParents(write) }
}

/**
 * Scopes of a device that is restored from an export: its own scope, so that its children's still
 * name it.
 *
 * @throws {HubError} `InvalidDeviceScope`
 */
export function scopesOfRestored(deviceId: string, write: IdentityWrite, ticks: string): Scopes {
  const { iotEdge, deviceScope = '' } = write
  if (iotEdge !== true || !isOwnScope(deviceScope, deviceId)) {
    return scopesOfNew(deviceId, write, ticks)
  }
  return { deviceScope, ...edgeParents(write) }
}

/**
 * Scopes of a device after an update (01 §6).
 *
 * @throws {HubError} `InvalidDeviceScope`
 */
export function scopesOfUpdated(deviceId: string, before: Identity, write: IdentityWrite): Scopes {
  const { iotEdge = false, deviceScope = '' } = write
  if (before.iotEdge && iotEdge) {
    if (deviceScope !== before.deviceScope) {
      throw invalid('Device scope is immutable: an update must repeat it as it is.')
    }
    return { deviceScope, ...edgeParents(write) }
  }
  // An edge device that becomes a leaf loses its parent in that write.
  if (before.iotEdge) return {}
  if (!iotEdge) return leafScopes(write)
  if (deviceScope !== '') {
    throw invalid('A device that becomes an edge device must have an empty deviceScope.')
  }
  return { deviceScope: `${SCHEME}${deviceId}`, ...edgeParents(write) }
}

/** A leaf's scope is its parent's; the hub mirrors it, whatever `parentScopes` says. */
function leafScopes({ deviceScope = '' }: IdentityWrite): Scopes {
  if (deviceScope === '') return {}
  checkScope('deviceScope', deviceScope)
  return { deviceScope, parentScopes: [deviceScope] }
}

function edgeParents({ parentScopes = [] }: IdentityWrite): Pick<Scopes, 'parentScopes'> {
  if (parentScopes.length > 1) throw invalid('parentScopes may have one element.')
  const [parent] = parentScopes
  if (parent === undefined || parent === '') return {}
  checkScope('parentScopes', parent)
  return { parentScopes: [parent] }
}

function checkScope(name: string, scope: string): void {
  if (!SCOPE.test(scope)) throw invalid(`${name} must be the scope of an edge device: ${SCHEME}…`)
}

function isOwnScope(scope: string, deviceId: string): boolean {
  const own = `${SCHEME}${deviceId}`
  return scope === own || (scope.startsWith(`${own}-`) && /^\d+$/.test(scope.slice(own.length + 1)))
}

function invalid(message: string): HubError {
  return new HubError('InvalidDeviceScope', message)
}
