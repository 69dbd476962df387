import { ModuleLifecycle } from '../modules/lifecycle.ts'
import { ModuleProvider } from '../modules/provider.ts'
import { Reconciler } from '../modules/reconcile.ts'
import { ModuleRecords } from '../modules/records.ts'
import { Suspensions } from '../modules/suspensions.ts'
import { type DevicePosture, PostureKeeper } from '../posture/keeper.ts'
import { PostureWriter } from '../posture/writer.ts'
import type { SecurityOptions, SecurityPorts } from '../security-ports.ts'

type KeeperPorts = ConstructorParameters<typeof PostureKeeper>[0]

/** Who is asked about devices, and told of them. */
interface Parts extends Required<Pick<KeeperPorts, 'groups' | 'seen'>> {
  /** Told what each look at a device came to. */
  readonly noted: (deviceId: string, posture: DevicePosture | undefined) => Promise<void>
  /** Told of a device that is gone. */
  readonly departed: (deviceId: string) => Promise<void>
}

/** What keeps security modules, their records and their postures. */
export function assembleModules(
  ports: SecurityPorts,
  options: SecurityOptions,
  { groups, seen, noted, departed }: Parts,
) {
  const { securityModuleId, silentAfterMs, keys = {}, policy = 'automatic' } = options
  const naming = { securityModuleId, keys }
  const records = new ModuleRecords({ ...ports, departed }, keys)
  const suspensions = new Suspensions({ ...ports, records }, naming)
  const writer = new PostureWriter(ports)
  const posture = new PostureKeeper(
    { ...ports, writer, records, suspensions, groups, seen, noted },
    { ...naming, ...(silentAfterMs !== undefined && { silentAfterMs }) },
  )
  const provider = new ModuleProvider({ ...ports, records }, securityModuleId, { keys })
  const look = (deviceId: string) => posture.look(deviceId)
  const lifecycle = new ModuleLifecycle(
    { ...ports, records, provider, suspensions, look },
    securityModuleId,
    keys,
  )
  const reconciler = new Reconciler({ ...ports, records, postures: posture }, { ...naming, policy })
  return { records, posture, look, lifecycle, reconciler }
}
