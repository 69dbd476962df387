import { apiOf, type Command } from '../command.ts'
import { describeSuppression, SUPPRESSIONS, type SuppressionView } from '../suppression.ts'

export const securitySuppressionShow: Command = {
  arguments: [{ syntax: '<id>', description: 'of `security suppression list`' }],
  talksTo: 'server',
  examples: [['security suppression show 5d41402abc4b2a76', 'what it held back, and who made it']],

  async run(input, context) {
    const path = `${SUPPRESSIONS}/${encodeURIComponent(input.argument(0))}`
    const suppression = await apiOf(input, context).get<SuppressionView>(path)
    if (context.out.isJson) context.out.json(suppression)
    else context.out.print(describeSuppression(suppression))
  },
}
