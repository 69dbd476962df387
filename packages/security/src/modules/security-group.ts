import type { JsonObject } from '@twinward/protocol'

export const DEFAULT_SECURITY_GROUP = 'default'

/** Both spellings are in the vendor's documents and scripts. */
export const SECURITY_GROUP_TAGS: readonly string[] = ['SecurityGroup', 'securityGroup']

/** The group of a device and what says so. */
export interface ResolvedGroup {
  /** In lower case, because group names are compared without case. */
  readonly group: string
  /** Whose twin has the tag; `default`: neither has one. */
  readonly from: 'device' | 'module' | 'default'
  /** As the tag is spelled in the twin; `null` without one. */
  readonly tag: string | null
}

const WITHOUT_TAG: ResolvedGroup = { group: DEFAULT_SECURITY_GROUP, from: 'default', tag: null }

/**
 * The security group of a device: the tag of its own twin, else of its security module's twin,
 * else `default`. The capital before the small letter in each.
 */
export function resolveSecurityGroup(
  deviceTags: JsonObject,
  moduleTags: JsonObject = {},
): ResolvedGroup {
  for (const from of ['device', 'module'] as const) {
    const tags = from === 'device' ? deviceTags : moduleTags
    for (const tag of SECURITY_GROUP_TAGS) {
      const group = tags[tag]
      if (typeof group !== 'string' || group.trim() === '') continue
      return { group: group.trim().toLowerCase(), from, tag }
    }
  }
  return WITHOUT_TAG
}

/** The security group of a device, in lower case; see `resolveSecurityGroup`. */
export function securityGroupOf(deviceTags: JsonObject, moduleTags: JsonObject = {}): string {
  return resolveSecurityGroup(deviceTags, moduleTags).group
}
