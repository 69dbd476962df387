import { apiOf, type Command } from '../command.ts'
import { at, CHANNELS } from '../notification.ts'

export const securityNotifyChannelDelete: Command = {
  arguments: [{ syntax: '<id>', description: 'of `security notify channel list`' }],
  talksTo: 'server',
  details: 'What waits for it and its dead letters go with it. Routes that lead to it go first.',
  examples: [['security notify channel delete soar', 'it is told nothing more']],

  async run(input, context) {
    const id = input.argument(0)
    await apiOf(input, context).delete(at(CHANNELS, id))
    if (context.out.isJson) return context.out.json({ id })
    context.out.print(`Removed the channel ${id}.`)
  },
}
