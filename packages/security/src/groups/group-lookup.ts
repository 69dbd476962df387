import { DEFAULT_GROUP_SETTINGS, type GroupSettings } from './group-settings.ts'

/** What is asked when something about a device is judged. */
export interface GroupLookup {
  /** What the security group of a device says; cheap, asked for every message. */
  settingsFor(deviceId: string): Promise<GroupSettings>
}

/** Groups that say nothing. */
export const NO_GROUPS: GroupLookup = { settingsFor: async () => DEFAULT_GROUP_SETTINGS }
