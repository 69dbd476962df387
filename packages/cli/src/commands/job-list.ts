import { apiOf, type Command } from '../command.ts'
import { JOBS_PATH, type JobView, progressOf } from '../job.ts'

const STATUSES = ['queued', 'scheduled', 'running', 'completed', 'failed', 'cancelled']

export const jobList: Command = {
  options: [{ flags: '--status <status>', description: 'only these', choices: STATUSES }],
  talksTo: 'server',
  details: 'The youngest 100. Jobs are remembered for 30 days after their end.',
  examples: [
    ['job list', 'a table'],
    ['job list --status running --json', 'for a program'],
  ],

  async run(input, context) {
    const status = input.text('status')
    const filter = status === undefined ? {} : { jobStatus: status }
    const jobs = await apiOf(input, context).get<readonly JobView[]>(`${JOBS_PATH}/query`, filter)
    const { out } = context
    if (out.isJson) return out.json(jobs)
    if (jobs.length === 0) return out.note('No jobs.')
    out.table(
      ['JOB', 'TYPE', 'STATUS', 'START', 'PROGRESS'],
      jobs.map((job) => [job.jobId, job.type, job.status, job.startTime ?? '', progressOf(job)]),
    )
  },
}
