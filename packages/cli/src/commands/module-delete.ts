import { pathOf } from '../api-client.ts'
import { apiOf, type Command } from '../command.ts'
import { readRef } from '../identity.ts'

export const moduleDelete: Command = {
  arguments: [
    { syntax: '<device>', description: 'the device' },
    { syntax: '<id>', description: 'the module' },
  ],
  talksTo: 'server',
  details: 'Its twin goes with it; it is disconnected. This cannot be undone.',
  examples: [['module delete pump-1 telemetry', 'remove the module']],

  async run(input, context) {
    const ref = readRef(input.argument(0), input.argument(1))
    await apiOf(input, context).delete(pathOf(ref), '*')
    if (context.out.isJson) context.out.json({ ...ref, deleted: true })
    else context.out.print(`Deleted module ${ref.moduleId} of ${ref.deviceId}.`)
  },
}
