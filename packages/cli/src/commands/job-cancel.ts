import { apiOf, type Command } from '../command.ts'
import { type JobView, jobPath } from '../job.ts'

export const jobCancel: Command = {
  arguments: [{ syntax: '<job>', description: 'its id' }],
  talksTo: 'server',
  details: 'Only before it starts: what runs, runs to its end.',
  examples: [['job cancel night-1', 'one that waits for its time']],

  async run(input, context) {
    const jobId = input.argument(0)
    const job = await apiOf(input, context).post<JobView>(`${jobPath(jobId)}/cancel`, {})
    if (context.out.isJson) context.out.json(job)
    else context.out.print(`Job ${jobId} is ${job.status}.`)
  },
}
