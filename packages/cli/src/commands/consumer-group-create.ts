import { apiOf, type Command, nextCommand } from '../command.ts'

export const consumerGroupCreate: Command = {
  arguments: [{ syntax: '<name>', description: 'letters, digits and .-_' }],
  talksTo: 'server',
  details:
    'Each application that reads all events should have a group of its own. Readers keep their place\n' +
    'themselves; a group is a name for those who share the work.',
  examples: [['consumer-group create analytics', 'a group for one application']],

  async run(input, context) {
    const name = input.argument(0)
    const path = `/api/events/consumer-groups/${encodeURIComponent(name)}`
    const group = await apiOf(input, context).put<{ readonly name: string }>(path, {})
    if (context.out.isJson) context.out.json(group)
    else {
      context.out.print(`Consumer group ${group.name} is there.`)
      const next = nextCommand(input, context, `monitor events --consumer-group ${group.name}`)
      context.out.note(`Read as it: ${next}`)
    }
  },
}
