import {
  type DeviceStatus,
  HubError,
  type Identity,
  MAX_STATUS_REASON_CHARACTERS,
} from '@twinward/protocol'
import type { AuthenticationWrite } from './authentication.ts'

/** What a caller may set of an identity; what is absent gets its default, on update too (01 §4.1). */
export interface IdentityWrite {
  readonly status?: DeviceStatus
  readonly statusReason?: string | null
  readonly authentication?: AuthenticationWrite
  readonly iotEdge?: boolean
  readonly managedBy?: string
  /** Devices only: an edge device's own scope, a leaf's parent's (01 §6). */
  readonly deviceScope?: string
  /** Devices only (01 §6). */
  readonly parentScopes?: readonly string[]
}

/** An identity's members as they come from a caller's JSON; enum values in any case (00 §3). */
export interface IdentityMembers {
  readonly status?: string | null
  readonly statusReason?: string | null
  readonly authentication?: AuthenticationWrite | null
  readonly capabilities?: { readonly iotEdge?: boolean | null } | null
  readonly managedBy?: string | null
  readonly deviceScope?: string | null
  readonly parentScopes?: readonly string[] | null
}

/** @throws {HubError} `ArgumentInvalid` for a status that is neither enabled nor disabled */
export function readIdentity(members: IdentityMembers): IdentityWrite {
  const status = members.status?.toLowerCase() || 'enabled'
  if (status !== 'enabled' && status !== 'disabled') {
    throw new HubError('ArgumentInvalid', "status must be 'enabled' or 'disabled'.")
  }
  return {
    status,
    statusReason: members.statusReason ?? null,
    ...(members.authentication && { authentication: members.authentication }),
    iotEdge: members.capabilities?.iotEdge ?? false,
    managedBy: members.managedBy ?? '',
    deviceScope: members.deviceScope ?? '',
    parentScopes: members.parentScopes ?? [],
  }
}

/** The plain members of a device's identity. @throws {HubError} `ArgumentInvalid` */
export function deviceSettings(
  write: IdentityWrite,
): Pick<Identity, 'status' | 'statusReason' | 'iotEdge' | 'managedBy'> {
  const { status = 'enabled', statusReason = null, iotEdge = false } = write
  if (statusReason !== null) checkLength('statusReason', statusReason)
  return { status, statusReason, iotEdge, managedBy: '' }
}

/** The same of a module, which has no status of its own: disabling its device disables it (01 §2). */
export function moduleSettings({
  managedBy = '',
}: IdentityWrite): Pick<Identity, 'status' | 'statusReason' | 'iotEdge' | 'managedBy'> {
  checkLength('managedBy', managedBy)
  return { status: 'enabled', statusReason: null, iotEdge: false, managedBy }
}

function checkLength(name: string, text: string): void {
  if (text.length <= MAX_STATUS_REASON_CHARACTERS) return
  throw new HubError(
    'ArgumentInvalid',
    `${name} may have ${MAX_STATUS_REASON_CHARACTERS} characters.`,
  )
}
