import type { CommandEntry } from '../../command.ts'

/** Commands on security modules and their agents, in the order of the help. */
export const agentsCommands: readonly CommandEntry[] = [
  {
    name: 'security show',
    summary: 'Show the security module twin of a device, whole.',
    load: async () => (await import('../security-show.ts')).securityShow,
  },
  {
    name: 'security modules',
    summary: 'List security modules with their states.',
    load: async () => (await import('../security-modules.ts')).securityModules,
  },
  {
    name: 'security module create',
    summary: 'Give a device a security module, or restore a deleted one.',
    load: async () => (await import('../security-module-create.ts')).securityModuleCreate,
  },
  {
    name: 'security suspend',
    summary: 'Switch the collection of a security agent off for a while.',
    load: async () => (await import('../security-suspend.ts')).securitySuspend,
  },
  {
    name: 'security resume',
    summary: 'End a suspension or a retirement.',
    load: async () => (await import('../security-resume.ts')).securityResume,
  },
  {
    name: 'security retire',
    summary: 'Take a device out of service; its record becomes read-only.',
    load: async () => (await import('../security-retire.ts')).securityRetire,
  },
  {
    name: 'security tombstones',
    summary: 'List what is kept of deleted security modules.',
    load: async () => (await import('../security-tombstones.ts')).securityTombstones,
  },
  {
    name: 'security tombstones forget',
    summary: 'Forget what is kept of a deleted security module.',
    load: async () => (await import('../security-tombstones-forget.ts')).securityTombstonesForget,
  },
  {
    name: 'security enroll-token create',
    summary: 'Create a one-time token for the security agent of a device.',
    load: async () =>
      (await import('../security-enroll-token-create.ts')).securityEnrollTokenCreate,
  },
  {
    name: 'security enroll-token list',
    summary: 'List the enrolment tokens of a device.',
    load: async () => (await import('../security-enroll-token-list.ts')).securityEnrollTokenList,
  },
  {
    name: 'security enroll-token revoke',
    summary: 'Revoke an enrolment token.',
    load: async () =>
      (await import('../security-enroll-token-revoke.ts')).securityEnrollTokenRevoke,
  },
  {
    name: 'security enroll',
    summary: 'Redeem an enrolment token, on the device, for the connection string of its agent.',
    load: async () => (await import('../security-enroll.ts')).securityEnroll,
  },
  {
    name: 'security credentials',
    summary: 'Show which key the security agent of a device used last.',
    load: async () => (await import('../security-credentials.ts')).securityCredentials,
  },
  {
    name: 'security rotate-key',
    summary: 'Give the security module of a device a new key.',
    load: async () => (await import('../security-rotate-key.ts')).securityRotateKey,
  },
  {
    name: 'security config show',
    summary: 'Show the configuration of a security agent: desired, reported, drift.',
    load: async () => (await import('../security-config-show.ts')).securityConfigShow,
  },
  {
    name: 'security config set',
    summary: 'Change settings of a security agent.',
    load: async () => (await import('../security-config-set.ts')).securityConfigSet,
  },
  {
    name: 'security config history',
    summary: 'Show who changed which settings, newest first.',
    load: async () => (await import('../security-config-history.ts')).securityConfigHistory,
  },
  {
    name: 'security config hub show',
    summary: 'Show the settings that all agents inherit.',
    load: async () => (await import('../security-config-hub-show.ts')).securityConfigHubShow,
  },
  {
    name: 'security config hub set',
    summary: 'Change the settings that all agents inherit.',
    load: async () => (await import('../security-config-hub-set.ts')).securityConfigHubSet,
  },
  {
    name: 'security config group list',
    summary: 'List the security groups that have settings.',
    load: async () => (await import('../security-config-group-list.ts')).securityConfigGroupList,
  },
  {
    name: 'security config group show',
    summary: 'Show the settings that agents of a group inherit.',
    load: async () => (await import('../security-config-group-show.ts')).securityConfigGroupShow,
  },
  {
    name: 'security config group set',
    summary: 'Change the settings that agents of a group inherit.',
    load: async () => (await import('../security-config-group-set.ts')).securityConfigGroupSet,
  },
  {
    name: 'security config fleet',
    summary: 'Configure the security agents of a fleet by an automatic configuration.',
    load: async () => (await import('../security-config-fleet.ts')).securityConfigFleet,
  },
]
