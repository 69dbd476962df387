import type { CommandEntry } from '../../command.ts'

/** Commands on Sigma rules, in the order of the help. */
export const sigmaCommands: readonly CommandEntry[] = [
  {
    name: 'security sigma import',
    summary: 'Import Sigma rules, and count what of them is supported.',
    load: async () => (await import('../security-sigma-import.ts')).securitySigmaImport,
  },
  {
    name: 'security sigma check',
    summary: 'Say what of Sigma rules is supported and why the rest is not.',
    load: async () => (await import('../security-sigma-check.ts')).securitySigmaCheck,
  },
  {
    name: 'security sigma list',
    summary: 'List the Sigma rules with their matches.',
    load: async () => (await import('../security-sigma-list.ts')).securitySigmaList,
  },
  {
    name: 'security sigma show',
    summary: 'Show a Sigma rule.',
    load: async () => (await import('../security-sigma-show.ts')).securitySigmaShow,
  },
  {
    name: 'security sigma enable',
    summary: 'Switch a Sigma rule on.',
    load: async () => (await import('../security-sigma-enable.ts')).securitySigmaEnable,
  },
  {
    name: 'security sigma disable',
    summary: 'Switch a Sigma rule off.',
    load: async () => (await import('../security-sigma-disable.ts')).securitySigmaDisable,
  },
  {
    name: 'security sigma delete',
    summary: 'Forget a Sigma rule, or a whole collection.',
    load: async () => (await import('../security-sigma-delete.ts')).securitySigmaDelete,
  },
]
