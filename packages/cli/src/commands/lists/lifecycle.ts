import type { CommandEntry } from '../../command.ts'

/** Commands on what becomes of findings, in the order of the help. */
export const lifecycleCommands: readonly CommandEntry[] = [
  {
    name: 'security alerts suppress',
    summary: 'Hold back alerts like this one from now on.',
    load: async () => (await import('../security-alerts-suppress.ts')).securityAlertsSuppress,
  },
  {
    name: 'security alerts aggregated',
    summary: 'Count alerts by type and day.',
    load: async () => (await import('../security-alerts-aggregated.ts')).securityAlertsAggregated,
  },
  {
    name: 'security alerts dismiss',
    summary: 'Dismiss the open alerts of a type and day.',
    load: async () => (await import('../security-alerts-dismiss.ts')).securityAlertsDismiss,
  },
  {
    name: 'security suppression list',
    summary: 'List suppressions: which alerts are held back, until when and why.',
    load: async () => (await import('../security-suppression-list.ts')).securitySuppressionList,
  },
  {
    name: 'security suppression create',
    summary: 'Hold alerts back from now on.',
    load: async () => (await import('../security-suppression-create.ts')).securitySuppressionCreate,
  },
  {
    name: 'security suppression show',
    summary: 'Show a suppression with what it held back.',
    load: async () => (await import('../security-suppression-show.ts')).securitySuppressionShow,
  },
  {
    name: 'security suppression delete',
    summary: 'Delete a suppression.',
    load: async () => (await import('../security-suppression-delete.ts')).securitySuppressionDelete,
  },
  {
    name: 'security suppression test',
    summary: 'Find out which open alerts a suppression would be about.',
    load: async () => (await import('../security-suppression-test.ts')).securitySuppressionTest,
  },
  {
    name: 'security suppression proposals',
    summary: 'List what is usual in a group by what it showed while it learned.',
    load: async () =>
      (await import('../security-suppression-proposals.ts')).securitySuppressionProposals,
  },
  {
    name: 'security explain',
    summary: 'Tell why an event did or did not raise an alert.',
    load: async () => (await import('../security-explain.ts')).securityExplain,
  },
]
