import { apiOf, type Command } from '../command.ts'
import { configurationPath } from '../configuration.ts'

export const configurationDelete: Command = {
  arguments: [{ syntax: '<id>', description: 'the configuration' }],
  options: [{ flags: '--etag <etag>', description: 'only when it still is at this etag' }],
  talksTo: 'server',
  details:
    'What it had set is removed from its twins, or becomes what the next configuration says. What\n' +
    'somebody else has written there since stays.',
  examples: [['configuration delete fast', 'take back what it had set']],

  async run(input, context) {
    const id = input.argument(0)
    await apiOf(input, context).delete(configurationPath(id), input.text('etag'))
    if (context.out.isJson) context.out.json({ id, deleted: true })
    else context.out.print(`Deleted configuration ${id}; its twins follow now.`)
  },
}
