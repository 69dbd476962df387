import { apiOf, type Command } from '../command.ts'
import { groupPath } from '../security-group.ts'

export const securityGroupDelete: Command = {
  arguments: [{ syntax: '<group>', description: 'the security group' }],
  talksTo: 'server',
  details: 'Tags of devices stay; settings of agents for the group (`security config group`) too.',
  examples: [['security group delete plant', 'its devices have no rules of their own any more']],

  async run(input, context) {
    const name = input.argument(0)
    await apiOf(input, context).delete(groupPath(name))
    if (context.out.isJson) return context.out.json({ name })
    context.out.print(`Deleted the security group ${name}.`)
  },
}
