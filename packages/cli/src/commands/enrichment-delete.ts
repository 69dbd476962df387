import { apiOf, type Command } from '../command.ts'
import { enrichmentPath } from '../routing.ts'

export const enrichmentDelete: Command = {
  arguments: [{ syntax: '<key>', description: 'the application property' }],
  talksTo: 'server',
  examples: [['enrichment delete site', 'new events do not carry it any more']],

  async run(input, context) {
    const key = input.argument(0)
    await apiOf(input, context).delete(enrichmentPath(key))
    if (context.out.isJson) context.out.json({ key, deleted: true })
    else context.out.print(`Deleted enrichment ${key}.`)
  },
}
