import type { CommandEntry } from '../../command.ts'

/** Commands that run the server or read its data directory, in the order of the help. */
export const serverCommands: readonly CommandEntry[] = [
  {
    name: 'up',
    summary: 'Run hub, security service and console in this process.',
    load: async () => (await import('../up.ts')).up,
  },
  {
    name: 'connection-string',
    summary: 'Print the connection string of a policy, device or module.',
    load: async () => (await import('../connection-string.ts')).connectionString,
  },
  {
    name: 'ca',
    summary: 'Print the path of the CA certificate that clients need to trust.',
    load: async () => (await import('../ca.ts')).ca,
  },
  {
    name: 'ca add',
    summary: 'Register a CA for X.509 devices.',
    load: async () => (await import('../ca-add.ts')).caAdd,
  },
  {
    name: 'ca verify',
    summary: 'Prove possession of a CA that was registered unverified.',
    load: async () => (await import('../ca-verify.ts')).caVerify,
  },
  {
    name: 'ca list',
    summary: 'List the registered CAs.',
    load: async () => (await import('../ca-list.ts')).caList,
  },
  {
    name: 'ca remove',
    summary: 'Forget a CA and disconnect its devices.',
    load: async () => (await import('../ca-remove.ts')).caRemove,
  },
  {
    name: 'ip-filter show',
    summary: 'Show which addresses may connect.',
    load: async () => (await import('../ip-filter-show.ts')).ipFilterShow,
  },
  {
    name: 'ip-filter set',
    summary: 'Say which addresses may connect.',
    load: async () => (await import('../ip-filter-set.ts')).ipFilterSet,
  },
]
