import { type DeviceRef, HubError } from '@twinward/protocol'
import type { Entry, Registry } from '../registry/registry.ts'
import type { QueueOwner } from './message-queue.ts'

export function ownerOf({ ref, identity }: Pick<Entry, 'ref' | 'identity'>): QueueOwner {
  return { ref, generationId: identity.generationId }
}

/** @throws {HubError} `DeviceNotFound` or `ModuleNotFound` */
export async function findReceiver(registry: Registry, ref: DeviceRef): Promise<QueueOwner> {
  const entry = await registry.find(ref)
  if (entry) return ownerOf(entry)
  const { deviceId, moduleId } = ref
  if (moduleId !== undefined && (await registry.find({ deviceId }))) {
    throw new HubError('ModuleNotFound', moduleId)
  }
  throw new HubError('DeviceNotFound', deviceId)
}

/** The same; a disabled device, and its modules with it, count as not found (10 §2). */
export async function findEnabledReceiver(registry: Registry, ref: DeviceRef): Promise<QueueOwner> {
  const owner = await findReceiver(registry, ref)
  const device = await registry.find({ deviceId: ref.deviceId })
  if (device?.identity.status === 'enabled') return owner
  throw new HubError('DeviceNotFound', ref.deviceId)
}
