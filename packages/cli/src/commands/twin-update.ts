import { pathOf } from '../api-client.ts'
import { apiOf, type Command, UsageError } from '../command.ts'
import { readRef } from '../identity.ts'
import { readJsonObject } from '../read-json.ts'
import { describeTwin, type TwinView } from '../twin.ts'

export const twinUpdate: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  options: [
    { flags: '--module <id>', description: 'the twin of this module' },
    { flags: '--desired <json>', description: 'desired properties to merge; @file reads a file' },
    { flags: '--tags <json>', description: 'tags to merge; @file reads a file' },
    { flags: '--etag <etag>', description: 'only when the twin still is at this etag' },
  ],
  talksTo: 'server',
  details: 'A value of null removes the property; arrays are replaced whole.',
  examples: [
    [`twin update pump-1 --desired '{"fan":{"rpm":900}}'`, 'set one property'],
    ['twin update pump-1 --tags @tags.json', 'merge what the file holds'],
  ],

  async run(input, context) {
    const ref = readRef(input.argument(0), input.text('module'))
    const desired = input.text('desired')
    const tags = input.text('tags')
    if (desired === undefined && tags === undefined) {
      throw new UsageError('Nothing to change: give --desired or --tags.')
    }
    const patch = {
      ...(tags !== undefined && { tags: readJsonObject('--tags', tags) }),
      ...(desired !== undefined && {
        properties: { desired: readJsonObject('--desired', desired) },
      }),
    }
    const path = pathOf(ref, '/twins')
    const twin = await apiOf(input, context).patch<TwinView>(path, patch, input.text('etag'))
    if (context.out.isJson) context.out.json(twin)
    else context.out.print(describeTwin(twin))
  },
}
