import { pathOf } from '../api-client.ts'
import { apiOf, type Command } from '../command.ts'
import { readRef } from '../identity.ts'

export const deviceDelete: Command = {
  arguments: [{ syntax: '<id>', description: 'the device' }],
  talksTo: 'server',
  details: 'Its modules and all twins go with it; it is disconnected. This cannot be undone.',
  examples: [['device delete pump-1', 'remove the device']],

  async run(input, context) {
    const ref = readRef(input.argument(0))
    await apiOf(input, context).delete(pathOf(ref), '*')
    if (context.out.isJson) context.out.json({ ...ref, deleted: true })
    else context.out.print(`Deleted device ${ref.deviceId} with its modules.`)
  },
}
