import { MemoryFindingStore } from '../src/adapters/memory/finding-store.ts'
import { MemoryModuleStore } from '../src/adapters/memory/module-store.ts'
import { MemoryPlatform } from '../src/adapters/memory/platform.ts'
import { NO_GROUPS } from '../src/groups/group-lookup.ts'
import { silentLog } from '../src/log.ts'
import { ModuleLifecycle } from '../src/modules/lifecycle.ts'
import type { ModuleStore } from '../src/modules/module-store.ts'
import { followNotices } from '../src/modules/notices.ts'
import { ModuleProvider } from '../src/modules/provider.ts'
import { Reconciler, type ReconcilerOptions } from '../src/modules/reconcile.ts'
import { ModuleRecords } from '../src/modules/records.ts'
import { Suspensions } from '../src/modules/suspensions.ts'
import type { TwinPlatform } from '../src/platform.ts'
import { PostureKeeper } from '../src/posture/keeper.ts'
import { PostureWriter } from '../src/posture/writer.ts'
import { FakeClock } from './fake-clock.ts'

export const MODULE_ID = 'azureiotsecurity'

/** What a service works with; it outlives the service, as files and hubs do. */
export interface World {
  readonly clock: FakeClock
  readonly platform: TwinPlatform
  readonly modules: ModuleStore
  readonly findings: MemoryFindingStore
}

export function newWorld(): World & { readonly platform: MemoryPlatform } {
  const clock = new FakeClock()
  const platform = new MemoryPlatform(clock)
  const findings = new MemoryFindingStore()
  return { clock, platform, findings, modules: new MemoryModuleStore() }
}

/** The part of the security service that keeps security modules, wired as there. */
export function moduleService(world: World, options: ReconcilerOptions = {}) {
  const ports = { ...world, log: silentLog }
  const naming = { securityModuleId: MODULE_ID, keys: {} }
  const records = new ModuleRecords(ports)
  const suspensions = new Suspensions({ ...ports, records }, naming)
  const writer = new PostureWriter(ports)
  const keeping = { ...ports, writer, records, suspensions, groups: NO_GROUPS }
  const postures = new PostureKeeper(keeping, naming)
  const reconciler = new Reconciler({ ...ports, records, postures }, options)
  const provider = new ModuleProvider({ ...ports, records }, MODULE_ID)
  const look = (deviceId: string) => postures.look(deviceId)
  const lifecycle = new ModuleLifecycle(
    { ...ports, records, provider, suspensions, look },
    MODULE_ID,
  )
  let leave = () => {}
  return {
    ...{ records, postures, reconciler, lifecycle },
    start: () => {
      leave = followNotices({ ...ports, records, postures })
      reconciler.start()
      postures.start()
    },
    close: async () => {
      leave()
      await reconciler.close()
      await postures.close()
    },
  }
}
