import type { CommandEntry } from '../../command.ts'

/** Commands on scheduled jobs, in the order of the help. */
export const jobsCommands: readonly CommandEntry[] = [
  {
    name: 'job update',
    summary: 'Change tags or desired properties of many twins.',
    load: async () => (await import('../job-update.ts')).jobUpdate,
  },
  {
    name: 'job method',
    summary: 'Call a direct method of many devices.',
    load: async () => (await import('../job-method.ts')).jobMethod,
  },
  {
    name: 'job list',
    summary: 'List scheduled jobs, the youngest first.',
    load: async () => (await import('../job-list.ts')).jobList,
  },
  {
    name: 'job show',
    summary: 'Show a job and how far it is.',
    load: async () => (await import('../job-show.ts')).jobShow,
  },
  {
    name: 'job results',
    summary: 'Show what a job did with each device.',
    load: async () => (await import('../job-results.ts')).jobResults,
  },
  {
    name: 'job cancel',
    summary: 'Cancel a job that has not started.',
    load: async () => (await import('../job-cancel.ts')).jobCancel,
  },
]
