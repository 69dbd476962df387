import { apiOf, type Command, CommandError } from '../command.ts'
import { type JobView, jobPath } from '../job.ts'
import { formatJson } from '../output.ts'

export const jobShow: Command = {
  arguments: [{ syntax: '<job>', description: 'its id' }],
  talksTo: 'server',
  examples: [['job show update-1', 'what it does and how far it is']],

  async run(input, context) {
    const jobId = input.argument(0)
    const job = await apiOf(input, context).get<JobView>(jobPath(jobId))
    // IoT Hub answers 200 for an id that it does not know.
    if (job.status === 'unknown') throw new CommandError(`There is no job ${jobId}.`)
    if (context.out.isJson) context.out.json(job)
    else context.out.print(formatJson(job))
  },
}
