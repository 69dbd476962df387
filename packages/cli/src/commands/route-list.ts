import { apiOf, type Command, nextCommand } from '../command.ts'
import { ROUTING_PATH, type RoutingView } from '../routing.ts'

export const routeList: Command = {
  talksTo: 'server',
  details:
    'Telemetry that no route takes goes to the fallback, which is the last line of the table. Other\n' +
    'sources are stored only where a route takes them.',
  examples: [
    ['route list', 'a table'],
    ['route list --json', 'with the fallback, for a program'],
  ],

  async run(input, context) {
    const { out } = context
    const { routes, fallbackRoute } = await apiOf(input, context).get<RoutingView>(ROUTING_PATH)
    if (out.isJson) {
      out.json({ routes, fallbackRoute })
      return
    }
    out.table(
      ['NAME', 'SOURCE', 'ENABLED', 'CONDITION'],
      [...routes, fallbackRoute].map(({ name, source, isEnabled, condition }) => [
        name,
        source,
        isEnabled ? 'yes' : 'no',
        condition,
      ]),
    )
    if (routes.length > 0) return
    const next = nextCommand(input, context, 'route create NAME --source TwinChangeEvents')
    out.note(`No routes yet. Create one: ${next}`)
  },
}
