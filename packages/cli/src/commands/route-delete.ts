import { apiOf, type Command } from '../command.ts'
import { routePath } from '../routing.ts'

export const routeDelete: Command = {
  arguments: [{ syntax: '<name>', description: 'the route' }],
  talksTo: 'server',
  details: 'What is stored already stays.',
  examples: [['route delete changes', 'changes of twins are no events any more']],

  async run(input, context) {
    const name = input.argument(0)
    await apiOf(input, context).delete(routePath(name))
    if (context.out.isJson) context.out.json({ name, deleted: true })
    else context.out.print(`Deleted route ${name}.`)
  },
}
