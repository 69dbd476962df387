import { apiOf, type Command, nextCommand } from '../command.ts'
import { ROUTING_PATH, type RoutingView } from '../routing.ts'

export const enrichmentList: Command = {
  talksTo: 'server',
  examples: [['enrichment list', 'a table']],

  async run(input, context) {
    const { out } = context
    const { enrichments } = await apiOf(input, context).get<RoutingView>(ROUTING_PATH)
    if (out.isJson) out.json(enrichments)
    else if (enrichments.length === 0) {
      const next = nextCommand(input, context, 'enrichment set KEY VALUE')
      out.note(`No enrichments yet. Add one: ${next}`)
    } else {
      out.table(
        ['KEY', 'VALUE'],
        enrichments.map(({ key, value }) => [key, value]),
      )
    }
  },
}
