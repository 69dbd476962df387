import type { CommandEntry } from '../../command.ts'

/** Commands on baselines and scores, in the order of the help. */
export const baselineCommands: readonly CommandEntry[] = [
  {
    name: 'security score',
    summary: 'Show scores of the fleet, a group or a device, with reasons and history.',
    load: async () => (await import('../security-score.ts')).securityScore,
  },
  {
    name: 'security baseline show',
    summary: 'Show the baseline checks of a device.',
    load: async () => (await import('../security-baseline-show.ts')).securityBaselineShow,
  },
  {
    name: 'security baseline failures',
    summary: 'List what fails on each device, or the devices that fail a check.',
    load: async () => (await import('../security-baseline-failures.ts')).securityBaselineFailures,
  },
  {
    name: 'security baseline summary',
    summary: 'Show the baselines of all devices in numbers.',
    load: async () => (await import('../security-baseline-summary.ts')).securityBaselineSummary,
  },
  {
    name: 'security baseline import',
    summary: 'Import custom checks from XML or JSON.',
    load: async () => (await import('../security-baseline-import.ts')).securityBaselineImport,
  },
  {
    name: 'security baseline custom-checks list',
    summary: 'List sets of custom checks.',
    load: async () => (await import('../security-custom-checks-list.ts')).securityCustomChecksList,
  },
  {
    name: 'security baseline custom-checks show',
    summary: 'Show a set of custom checks.',
    load: async () => (await import('../security-custom-checks-show.ts')).securityCustomChecksShow,
  },
  {
    name: 'security baseline custom-checks delete',
    summary: 'Forget a set of custom checks.',
    load: async () =>
      (await import('../security-custom-checks-delete.ts')).securityCustomChecksDelete,
  },
]
