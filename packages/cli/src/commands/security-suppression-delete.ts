import { apiOf, type Command } from '../command.ts'
import { SUPPRESSIONS } from '../suppression.ts'

export const securitySuppressionDelete: Command = {
  arguments: [{ syntax: '<id>', description: 'of `security suppression list`' }],
  talksTo: 'server',
  examples: [['security suppression delete 5d41402abc4b2a76', 'such alerts are raised again']],

  async run(input, context) {
    const id = input.argument(0)
    await apiOf(input, context).delete(`${SUPPRESSIONS}/${encodeURIComponent(id)}`)
    if (context.out.isJson) return context.out.json({ id })
    context.out.print(`Deleted the suppression ${id}; such alerts are raised again.`)
  },
}
