import { apiOf, type Command } from '../command.ts'

export const consumerGroupDelete: Command = {
  arguments: [{ syntax: '<name>', description: 'the group' }],
  talksTo: 'server',
  details: 'Its readers are disconnected. No event goes: other groups read the same ones.',
  examples: [['consumer-group delete analytics', 'end the readers of this group']],

  async run(input, context) {
    const name = input.argument(0)
    const path = `/api/events/consumer-groups/${encodeURIComponent(name)}`
    await apiOf(input, context).delete(path)
    if (context.out.isJson) context.out.json({ name, deleted: true })
    else context.out.print(`Deleted consumer group ${name}.`)
  },
}
