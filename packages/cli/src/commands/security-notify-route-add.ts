import { apiOf, type Command, UsageError } from '../command.ts'
import { ROUTE_OPTIONS, ROUTES, readRoute } from '../notification.ts'

export const securityNotifyRouteAdd: Command = {
  arguments: [{ syntax: '<id>', description: 'a name for it' }],
  options: ROUTE_OPTIONS,
  talksTo: 'server',
  details:
    'Without further options it takes every new and changed finding. Patterns have * and ?. --limit 0\n' +
    'tells only summaries, one a window.',
  examples: [
    [
      'security notify route add urgent --channel mail --minimum-severity High --kind alert-opened',
      'new alerts that cannot wait',
    ],
    [
      'security notify route add daily --channel mail --limit 0 --window-seconds 86400',
      'one summary a day',
    ],
  ],

  async run(input, context) {
    const id = input.argument(0)
    const route = readRoute(input)
    if (route.channels === undefined) throw new UsageError('Give at least one --channel.')
    const made = await apiOf(input, context).post(ROUTES, { id, ...route })
    if (context.out.isJson) return context.out.json(made)
    context.out.print(`Added the route ${id}.`)
  },
}
