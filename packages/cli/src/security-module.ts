import type { JsonValue } from '@twinward/protocol'
import { apiOf, type Context, type Input } from './command.ts'
import { readRef } from './identity.ts'
import { formatTime } from './output.ts'
import { type DeviceSecurityView, showDeviceSecurity } from './security-view.ts'

/** States of a logical security module, as the API spells them. */
export const MODULE_STATES = [
  'absent',
  'provisioned',
  'pendingConfig',
  'active',
  'configError',
  'silent',
  'suspended',
  'retired',
]

/** An item of `GET /api/security/modules`. */
export interface ModuleItem {
  readonly deviceId: string
  readonly moduleId: string | null
  readonly state: string
  readonly stateSinceUtc: string | null
}

/** An item of `GET /api/security/modules/tombstones`. */
export interface TombstoneItem {
  readonly deviceId: string
  readonly moduleId: string
  readonly cause: string
  readonly deletedUtc: string
  readonly expiresUtc: string
  readonly securityGroup: string
  readonly desired: JsonValue
}

/** Tells the security module of the device that is the first argument to do something. */
export async function commandModule(
  input: Input,
  context: Context,
  verb: 'module' | 'suspend' | 'resume' | 'retire',
  body: { readonly [name: string]: JsonValue | undefined },
): Promise<void> {
  const { deviceId } = readRef(input.argument(0))
  const path = `/api/devices/${encodeURIComponent(deviceId)}/security/${verb}`
  const view = await apiOf(input, context).post<DeviceSecurityView>(path, body)
  if (context.out.isJson) context.out.json(view)
  else showDeviceSecurity(context.out, view)
}

export function tombstoneRow(item: TombstoneItem): readonly string[] {
  const { deviceId, moduleId, cause, deletedUtc, expiresUtc } = item
  return [deviceId, moduleId, cause, formatTime(deletedUtc), formatTime(expiresUtc)]
}
