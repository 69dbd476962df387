import type { CommandEntry } from '../../command.ts'

/** Commands on automatic configurations, in the order of the help. */
export const fleetCommands: readonly CommandEntry[] = [
  {
    name: 'configuration list',
    summary: 'List automatic configurations, with how many twins hold each.',
    load: async () => (await import('../configuration-list.ts')).configurationList,
  },
  {
    name: 'configuration show',
    summary: 'Show a configuration and what was counted of it.',
    load: async () => (await import('../configuration-show.ts')).configurationShow,
  },
  {
    name: 'configuration create',
    summary: 'Set desired properties of all twins that meet a condition, now and later.',
    load: async () => (await import('../configuration-create.ts')).configurationCreate,
  },
  {
    name: 'configuration update',
    summary: 'Change the target, priority, labels or metrics of a configuration.',
    load: async () => (await import('../configuration-update.ts')).configurationUpdate,
  },
  {
    name: 'configuration delete',
    summary: 'Delete a configuration and take back what it had set.',
    load: async () => (await import('../configuration-delete.ts')).configurationDelete,
  },
  {
    name: 'configuration test',
    summary: 'Find out whether a target condition and metrics are good.',
    load: async () => (await import('../configuration-test.ts')).configurationTest,
  },
  {
    name: 'configuration plan',
    summary: 'Show the exact change of every twin before anything changes.',
    load: async () => (await import('../configuration-plan.ts')).configurationPlan,
  },
  {
    name: 'configuration status',
    summary: 'See which configurations a twin has, and what each has set.',
    load: async () => (await import('../configuration-status.ts')).configurationStatus,
  },
  {
    name: 'configuration apply',
    summary: 'Set the modules of one edge device at once.',
    load: async () => (await import('../configuration-apply.ts')).configurationApply,
  },
]
