import type { Command } from '../command.ts'
import { JOB_OPTIONS } from '../job.ts'
import { readJson } from '../read-json.ts'
import { scheduleJob } from '../schedule-job.ts'

export const jobMethod: Command = {
  arguments: [{ syntax: '<method>', description: 'the name of the method' }],
  options: [
    { flags: '--payload <json>', description: 'its argument; @file reads a file' },
    {
      flags: '--timeout <seconds>',
      description: 'how long a device may take to answer, 5 to 300',
      defaultText: '30',
      integer: { min: 5, max: 300 },
    },
    {
      flags: '--connect-timeout <seconds>',
      description: 'how long to wait for a device to connect, at most --timeout',
      defaultText: '0',
      integer: { min: 0, max: 300 },
    },
    { flags: '--id <id>', description: 'of the job', defaultText: 'a new one' },
    ...JOB_OPTIONS,
  ],
  talksTo: 'server',
  details:
    'A device that is away has failed; it is not tried again. Nor is a call that was under way when ' +
    'the server stopped, because the device may have run the method.',
  examples: [[`job method reboot --where "tags.site='A'" --connect-timeout 30`, 'reboot a site']],

  async run(input, context) {
    const payload = input.text('payload')
    await scheduleJob(input, context, {
      type: 'scheduleDeviceMethod',
      cloudToDeviceMethod: {
        methodName: input.argument(0),
        payload: payload === undefined ? null : readJson('--payload', payload),
        responseTimeoutInSeconds: input.integer('timeout') ?? 30,
        connectTimeoutInSeconds: input.integer('connectTimeout') ?? 0,
      },
    })
  },
}
