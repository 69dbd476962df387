import { refKey } from '@twinward/protocol'
import { pathOf } from '../api-client.ts'
import { apiOf, type Command } from '../command.ts'
import { readRef } from '../identity.ts'

export const c2dPurge: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  options: [{ flags: '--module <id>', description: 'the messages of this module' }],
  talksTo: 'server',
  details:
    'Removes what waits, and what the device has received and not acknowledged yet. Senders who\n' +
    'asked for it get the feedback Purged. This cannot be undone.',
  examples: [['c2d purge pump-1', 'empty the queue of the device']],

  async run(input, context) {
    const ref = readRef(input.argument(0), input.text('module'))
    const path = `${pathOf(ref, '/api/devices')}/messages/deviceBound`
    const purged = await apiOf(input, context).delete<{ totalMessagesPurged: number }>(path)
    if (context.out.isJson) context.out.json(purged)
    else {
      const { totalMessagesPurged: count } = purged
      const messages = count === 1 ? 'message' : 'messages'
      context.out.print(`Purged ${count} ${messages} of ${refKey(ref)}.`)
    }
  },
}
