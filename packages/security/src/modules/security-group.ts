import type { JsonObject } from '@twinward/protocol'

export const DEFAULT_SECURITY_GROUP = 'default'

/** Both spellings are in the vendor's documents and scripts. */
const SPELLINGS = ['SecurityGroup', 'securityGroup']

/**
 * The security group of a device: the tag of its own twin, else of its security module's twin,
 * else `default`. Lower case, because group names are compared without case.
 */
export function securityGroupOf(deviceTags: JsonObject, moduleTags: JsonObject = {}): string {
  for (const tags of [deviceTags, moduleTags]) {
    for (const spelling of SPELLINGS) {
      const group = tags[spelling]
      if (typeof group === 'string' && group.trim() !== '') return group.trim().toLowerCase()
    }
  }
  return DEFAULT_SECURITY_GROUP
}
