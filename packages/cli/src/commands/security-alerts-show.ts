import { apiOf, type Command } from '../command.ts'
import { type AlertView, describeAlert } from '../finding.ts'

export const securityAlertsShow: Command = {
  arguments: [{ syntax: '<id>', description: 'the alert' }],
  talksTo: 'server',
  examples: [['security alerts show ID', 'description, what to do, evidence, notes']],

  async run(input, context) {
    const path = `/api/security/alerts/${encodeURIComponent(input.argument(0))}`
    const alert = await apiOf(input, context).get<AlertView>(path)
    if (context.out.isJson) context.out.json(alert)
    else context.out.print(describeAlert(alert))
  },
}
