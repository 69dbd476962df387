import { pathOf } from '../api-client.ts'
import { apiOf, type Command, UsageError } from '../command.ts'
import { readContent } from '../configuration.ts'
import { readRef } from '../identity.ts'

export const configurationApply: Command = {
  arguments: [{ syntax: '<device>', description: 'an edge device' }],
  options: [{ flags: '--content <json>', description: 'its modules; @file reads a file' }],
  talksTo: 'server',
  details:
    'Once, for this device: { "$edgeAgent": { "properties.desired": … }, "app": … }. Modules that are\n' +
    'missing are created; a configuration that the device is a target of wins over it.',
  examples: [['configuration apply edge-1 --content @modules.json', 'set its modules']],

  async run(input, context) {
    const ref = readRef(input.argument(0))
    const text = input.text('content')
    if (text === undefined) throw new UsageError('Nothing to set: give --content.')
    const content = readContent(text, '')
    await apiOf(input, context).post(`${pathOf(ref)}/applyConfigurationContent`, content)
    const { deviceId } = ref
    if (context.out.isJson) context.out.json({ deviceId, applied: true })
    else context.out.print(`Set the modules of ${deviceId}.`)
  },
}
