import { type ConfigurationKeys, type DeviceRef, eraOf } from '@twinward/protocol'
import { securityModules } from '../modules/logical.ts'
import type { PlatformModule } from '../platform.ts'
import { groupTag, type PostureSummary, type ServiceTags } from './summary.ts'

interface Spoken {
  readonly modules: readonly PlatformModule[]
  /** The one that speaks for the device. */
  readonly module: PlatformModule
  readonly group: string
  readonly summary: PostureSummary
}

interface Naming {
  readonly securityModuleId: string
  readonly keys: ConfigurationKeys
}

/**
 * The service-owned tags of each security module of a device: the whole summary for the one that speaks
 * for it. Another one, as there is during a migration, says whose it is, so that an agent to come finds
 * the configuration of its group; what it said when it was the one would be outdated. Pure.
 */
export function tagsOfModules(
  { modules, module, group, summary }: Spoken,
  { securityModuleId, keys }: Naming,
): readonly (readonly [ref: Required<DeviceRef>, tags: ServiceTags])[] {
  return securityModules(modules, securityModuleId).map((each) => {
    const { ref } = each
    if (ref.moduleId === module.ref.moduleId) return [ref, summary]
    return [ref, { posture: { ...groupTag(group), era: eraOf(ref.moduleId, each, keys) } }]
  })
}
