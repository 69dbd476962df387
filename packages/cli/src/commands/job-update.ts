import type { JsonObject } from '@twinward/protocol'
import { type Command, UsageError } from '../command.ts'
import { JOB_OPTIONS } from '../job.ts'
import { readJsonObject } from '../read-json.ts'
import { scheduleJob } from '../schedule-job.ts'

export const jobUpdate: Command = {
  options: [
    { flags: '--tags <json>', description: 'merged into tags; @file reads a file' },
    { flags: '--desired <json>', description: 'merged into desired; null removes' },
    { flags: '--id <id>', description: 'of the job', defaultText: 'a new one' },
    ...JOB_OPTIONS,
  ],
  talksTo: 'server',
  details:
    'Each twin takes the update once, whatever happens meanwhile. With --wait the exit code is 1 when ' +
    'it failed anywhere.',
  examples: [
    [`job update --where "tags.site='A'" --desired '{"interval":5}' --wait`, 'and wait for it'],
    [`job update --where '*' --tags '{"checked":true}' --at 2026-12-01T02:00:00Z`, 'at night'],
  ],

  async run(input, context) {
    const tags = readSection(input.text('tags'), '--tags')
    const desired = readSection(input.text('desired'), '--desired')
    if (!tags && !desired) throw new UsageError('Give --tags, --desired or both.')
    await scheduleJob(input, context, {
      type: 'scheduleUpdateTwin',
      updateTwin: { etag: '*', ...(tags && { tags }), ...(desired && { properties: { desired } }) },
    })
  },
}

function readSection(text: string | undefined, name: string): JsonObject | undefined {
  return text === undefined ? undefined : readJsonObject(name, text)
}
