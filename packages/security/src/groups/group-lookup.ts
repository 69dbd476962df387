import type { Rule } from '../detection/rule.ts'
import { DEFAULT_SECURITY_GROUP } from '../modules/security-group.ts'
import { DEFAULT_GROUP_SETTINGS, type GroupSettings } from './group-settings.ts'

/** What is asked when something about a device is judged. */
export interface GroupLookup {
  /** The group of a device, in lower case, whether or not there is such a group; cheap. */
  groupOf(deviceId: string): Promise<string>
  /** What the security group of a device says; cheap, asked for every message. */
  settingsFor(deviceId: string): Promise<GroupSettings>
  /**
   * The custom rules on records of the device's group, enabled ones only; cheap too. The same list
   * until the group changes.
   */
  rulesFor(deviceId: string): Promise<readonly Rule[]>
}

const NO_RULES: readonly Rule[] = []

/** Groups that say nothing. */
export const NO_GROUPS: GroupLookup = {
  groupOf: async () => DEFAULT_SECURITY_GROUP,
  settingsFor: async () => DEFAULT_GROUP_SETTINGS,
  rulesFor: async () => NO_RULES,
}
