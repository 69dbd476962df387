import { apiOf, type Command } from '../command.ts'
import { CHANGE_KINDS, ROUTES, type RouteView } from '../notification.ts'
import { printable } from '../output.ts'
import { type Page, showPage } from '../pages.ts'

export const securityNotifyRouteList: Command = {
  talksTo: 'server',
  examples: [['security notify route list', 'which findings go where']],

  async run(input, context) {
    const page = await apiOf(input, context).get<Page<RouteView>>(ROUTES)
    showPage(context, page, {
      head: ['ID', 'ENABLED', 'CHANNELS', 'SEVERITY', 'TYPES', 'KINDS', 'ONLY', 'LIMIT'],
      row: (route) => [
        ...[route.id, route.isEnabled ? 'yes' : 'no', route.channels.join(', ')],
        route.minimumSeverity,
        printable(route.types.join(', ')),
        route.kinds.length === CHANGE_KINDS.length ? 'all' : route.kinds.join(', '),
        printable([...route.groups, ...route.devices.filter((one) => one !== '*')].join(', ')),
        `${route.limit} in ${route.windowSeconds} s`,
      ],
      empty: 'No routes: nobody is told of findings. Add one: security notify route add.',
    })
  },
}
