import type { CommandEntry } from '../../command.ts'

/** Commands on rollouts of configurations, in the order of the help. */
export const rolloutsCommands: readonly CommandEntry[] = [
  {
    name: 'rollout create',
    summary: 'Bring a new configuration to its targets in waves.',
    load: async () => (await import('../rollout-create.ts')).rolloutCreate,
  },
  {
    name: 'rollout list',
    summary: 'List rollouts.',
    load: async () => (await import('../rollout-list.ts')).rolloutList,
  },
  {
    name: 'rollout show',
    summary: 'Show a rollout with its waves.',
    load: async () => (await import('../rollout-show.ts')).rolloutShow,
  },
  {
    name: 'rollout watch',
    summary: 'Follow a rollout to its end.',
    load: async () => (await import('../rollout-watch.ts')).rolloutWatch,
  },
  {
    name: 'rollout pause',
    summary: 'Begin no further wave.',
    load: async () => (await import('../rollout-pause.ts')).rolloutPause,
  },
  {
    name: 'rollout resume',
    summary: 'Go on with a rollout that is paused or halted.',
    load: async () => (await import('../rollout-resume.ts')).rolloutResume,
  },
  {
    name: 'rollout advance',
    summary: 'Begin the next wave now.',
    load: async () => (await import('../rollout-advance.ts')).rolloutAdvance,
  },
  {
    name: 'rollout rollback',
    summary: 'Take a configuration away from all that have it.',
    load: async () => (await import('../rollout-rollback.ts')).rolloutRollback,
  },
  {
    name: 'rollout delete',
    summary: 'Forget a rollout that is over.',
    load: async () => (await import('../rollout-delete.ts')).rolloutDelete,
  },
]
