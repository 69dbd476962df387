import { apiOf, type Command } from '../command.ts'
import { EVENTS_ENDPOINT, enrichmentPath, pointedOut, type RoutingView } from '../routing.ts'

export const enrichmentSet: Command = {
  arguments: [
    { syntax: '<key>', description: 'the application property: letters, digits and - _ .' },
    { syntax: '<value>', description: 'a text, $iothubname, or a path below $twin' },
  ],
  talksTo: 'server',
  details:
    'Every event that is stored from now on carries the property. Where the twin of the sender lacks\n' +
    'what the path names, the path itself is the value.',
  examples: [
    ["enrichment set site '$twin.tags.site'", 'from the twin of the sender'],
    ['enrichment set plant A', 'the same for all'],
  ],

  async run(input, context) {
    const key = input.argument(0)
    const value = input.argument(1)
    const body = { value, endpointNames: [EVENTS_ENDPOINT] }
    const api = apiOf(input, context)
    const { enrichments } = await api.put<RoutingView>(enrichmentPath(key), body).catch((error) => {
      throw pointedOut(error, value)
    })
    const { out } = context
    if (out.isJson) out.json(enrichments.find((enrichment) => enrichment.key === key) ?? null)
    else out.print(`Events carry ${key} from now on.`)
  },
}
