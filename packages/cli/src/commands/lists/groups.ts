import type { CommandEntry } from '../../command.ts'

/** Commands on security groups, in the order of the help. */
export const groupsCommands: readonly CommandEntry[] = [
  {
    name: 'security group list',
    summary: 'List security groups: custom alerts and settings for sets of devices.',
    load: async () => (await import('../security-group-list.ts')).securityGroupList,
  },
  {
    name: 'security group show',
    summary: 'Show the rules and settings of a security group.',
    load: async () => (await import('../security-group-show.ts')).securityGroupShow,
  },
  {
    name: 'security group set',
    summary: 'Make or change security groups, by options or from a file.',
    load: async () => (await import('../security-group-set.ts')).securityGroupSet,
  },
  {
    name: 'security group delete',
    summary: 'Delete a security group.',
    load: async () => (await import('../security-group-delete.ts')).securityGroupDelete,
  },
  {
    name: 'security group rules',
    summary: 'List what a security group can be told to watch.',
    load: async () => (await import('../security-group-rules.ts')).securityGroupRules,
  },
  {
    name: 'security group devices',
    summary: 'List the devices of a security group, and which tag says so.',
    load: async () => (await import('../security-group-devices.ts')).securityGroupDevices,
  },
  {
    name: 'security group test',
    summary: 'Try the rules of a security group, or a draft, on stored events.',
    load: async () => (await import('../security-group-test.ts')).securityGroupTest,
  },
]
