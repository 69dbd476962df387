import type { DeviceRef } from '@twinward/protocol'
import type { Api } from './api-client.ts'

/** A device's own security messages are refused: its security module speaks for it. */
export async function securitySender(api: Api, ref: DeviceRef): Promise<DeviceRef> {
  if (ref.moduleId !== undefined) return ref
  const path = `/api/devices/${encodeURIComponent(ref.deviceId)}/security`
  const { moduleId } = await api.get<{ readonly moduleId?: string }>(path)
  return moduleId === undefined ? ref : { ...ref, moduleId }
}
