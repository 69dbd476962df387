import { apiOf, type Command } from '../command.ts'
import { EVENTS_ENDPOINT, pointedOut, type RoutingView, routePath, SOURCES } from '../routing.ts'

export const routeCreate: Command = {
  arguments: [{ syntax: '<name>', description: 'letters, digits and - _ .' }],
  options: [
    {
      flags: '--source <source>',
      description: 'what it takes',
      choices: SOURCES,
      defaultText: 'DeviceMessages',
    },
    { flags: '--condition <condition>', description: 'which of them', defaultText: 'true' },
    { flags: '--disabled', description: 'do not use it yet' },
  ],
  talksTo: 'server',
  details:
    'A route of that name is replaced. Conditions see application properties (level), the body where\n' +
    'it is JSON ($body.t), system properties ($contentType) and the twin of the sender ($twin.tags.site).',
  examples: [
    ['route create changes --source TwinChangeEvents', 'changes of twins are events too'],
    ['route create hot --condition "$body.t > 30"', 'some telemetry'],
  ],

  async run(input, context) {
    const name = input.argument(0)
    const condition = input.text('condition') ?? 'true'
    const body = {
      source: input.text('source') ?? 'DeviceMessages',
      condition,
      endpointNames: [EVENTS_ENDPOINT],
      isEnabled: !input.isSet('disabled'),
    }
    const api = apiOf(input, context)
    const { routes } = await api.put<RoutingView>(routePath(name), body).catch((error) => {
      throw pointedOut(error, condition)
    })
    const { out } = context
    if (out.isJson) out.json(routes.find((route) => route.name === name) ?? null)
    else out.print(`Route ${name} is ${body.isEnabled ? 'in use' : 'stored, not in use'}.`)
  },
}
