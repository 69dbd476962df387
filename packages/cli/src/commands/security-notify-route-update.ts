import { apiOf, type Command, UsageError } from '../command.ts'
import {
  at,
  ENABLE_OPTIONS,
  ROUTE_OPTIONS,
  ROUTES,
  readEnabled,
  readRoute,
} from '../notification.ts'

export const securityNotifyRouteUpdate: Command = {
  arguments: [{ syntax: '<id>', description: 'of `security notify route list`' }],
  options: [...ROUTE_OPTIONS, ...ENABLE_OPTIONS],
  talksTo: 'server',
  details: 'What is not named stays; a list that is named replaces the one before.',
  examples: [['security notify route update urgent --disable', 'it takes nothing for a while']],

  async run(input, context) {
    const id = input.argument(0)
    const change = { ...readRoute(input), ...readEnabled(input) }
    if (Object.keys(change).length === 0) throw new UsageError('Say what to change.')
    const changed = await apiOf(input, context).patch(at(ROUTES, id), change)
    if (context.out.isJson) return context.out.json(changed)
    context.out.print(`Changed the route ${id}.`)
  },
}
