import type { EntryMaker } from './entry-maker.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { DeviceChange, Entry, Registry } from './registry.ts'
import { EDGE_MODULE_IDS, edgeChange } from './system-modules.ts'

interface DevicePorts {
  readonly registry: Registry
  readonly lifecycle: Lifecycle
  readonly maker: EntryMaker
}

/** How a device changes, and who hears of it. */
export interface DeviceUpdate {
  /** Pure; may throw. */
  decide(old: Entry): Entry
  /** Called once it is durable, before anything else is told. */
  changed(after: Entry): void
}

/**
 * Changes a device. When it becomes an edge device its system modules come in the same write, and go
 * when it is none any more.
 *
 * @returns `undefined` when there is no such device
 * @throws {HubError} `ServiceUnavailable` when it is done and the event of a module could not be stored
 */
export function changeDevice(
  { registry, lifecycle, maker }: DevicePorts,
  deviceId: string,
  { decide, changed }: DeviceUpdate,
): Promise<Entry | undefined> {
  return lifecycle.withTold(deviceId, async (modules) => {
    let edge = 'stays' as ReturnType<typeof edgeChange>
    let added: readonly Entry[] = []
    const change = (old: Entry): DeviceChange => {
      const device = decide(old)
      edge = edgeChange(old.identity, device.identity)
      if (edge === 'comes') {
        added = maker.edgeModules(deviceId)
        return { device, added }
      }
      return edge === 'goes' ? { device, removed: EDGE_MODULE_IDS } : { device }
    }
    const device = await registry.changeDevice(deviceId, change)
    if (device) changed(device)
    if (edge === 'comes') await lifecycle.created(added)
    else if (edge === 'goes') {
      const gone = EDGE_MODULE_IDS.map((moduleId) => ({ deviceId, moduleId }))
      await lifecycle.removed(gone, modules)
    }
    return device
  })
}
