import { apiOf, type Command } from '../command.ts'
import { at, ROUTES } from '../notification.ts'

export const securityNotifyRouteDelete: Command = {
  arguments: [{ syntax: '<id>', description: 'of `security notify route list`' }],
  talksTo: 'server',
  examples: [['security notify route delete urgent', 'it takes nothing more']],

  async run(input, context) {
    const id = input.argument(0)
    await apiOf(input, context).delete(at(ROUTES, id))
    if (context.out.isJson) return context.out.json({ id })
    context.out.print(`Removed the route ${id}.`)
  },
}
