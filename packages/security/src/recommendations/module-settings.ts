import type { RecommendationType } from './recommendation.ts'

/** A group is compared when so many of its devices run the module. */
export const MIN_DEVICES = 10
/** Settings that at most so large a part of them have are those of a minority. */
export const MINORITY_RATIO = 0.05

export const inconsistentType: RecommendationType = {
  recommendationType: 'IoT_InconsistentModuleSettings',
  displayName: 'Settings of edge modules differ within a group',
  severity: 'Medium',
  description:
    'A module of the edge device has other settings than on nearly all other devices of its ' +
    'security group. A deployment may have missed the device, or somebody changed it.',
  remediationSteps: [
    'Compare the deployment of the device with that of another one of its group.',
    'Deploy it anew, or put it into a group of its own when the difference is wanted.',
  ],
}

/** What one device runs. */
export interface DeviceModules {
  readonly deviceId: string
  readonly group: string
  /** A hash of the settings by the module's name. */
  readonly hashes: { readonly [module: string]: string }
}

/** Devices with settings of a minority, and the modules that have them. Pure. */
export function findMinorities(
  devices: readonly DeviceModules[],
): ReadonlyMap<string, readonly string[]> {
  const byModule = new Map<string, Map<string, string[]>>()
  for (const { deviceId, group, hashes } of devices) {
    for (const [module, hash] of Object.entries(hashes)) {
      const key = JSON.stringify([group, module])
      const byHash = byModule.get(key) ?? new Map<string, string[]>()
      byModule.set(key, byHash)
      const same = byHash.get(hash)
      if (same) same.push(deviceId)
      else byHash.set(hash, [deviceId])
    }
  }
  const found = new Map<string, string[]>()
  for (const [key, byHash] of byModule) {
    const [, module] = JSON.parse(key) as [string, string]
    for (const deviceId of minoritiesOf([...byHash.values()])) {
      found.set(deviceId, [...(found.get(deviceId) ?? []), module])
    }
  }
  return found
}

function minoritiesOf(sharing: readonly (readonly string[])[]): readonly string[] {
  const total = sharing.reduce((sum, devices) => sum + devices.length, 0)
  if (total < MIN_DEVICES) return []
  return sharing.filter((devices) => devices.length <= MINORITY_RATIO * total).flat()
}
