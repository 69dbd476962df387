import type { CommandEntry } from '../../command.ts'

/** Commands on what happens to the hub itself. */
export const activityCommands: readonly CommandEntry[] = [
  {
    name: 'security audit',
    summary: 'List what happened to the hub: refused connections, CAs, exports, settings.',
    load: async () => (await import('../security-audit.ts')).securityAudit,
  },
]
