import { apiOf, type Command, UsageError } from '../command.ts'
import { ALERT_STATUSES, type AlertView, describeAlert } from '../finding.ts'

export const securityAlertsUpdate: Command = {
  arguments: [{ syntax: '<id>', description: 'the alert' }],
  options: [
    { flags: '--status <status>', description: 'the new status', choices: ALERT_STATUSES },
    { flags: '--note <text>', description: 'a note to add' },
    { flags: '--assignee <who>', description: 'who works on it' },
  ],
  talksTo: 'server',
  examples: [
    ['security alerts update ID --status InProgress --assignee robin', 'take it'],
    ['security alerts update ID --status Dismissed --note "planned test"', 'close it'],
  ],

  async run(input, context) {
    const change = {
      status: input.text('status'),
      note: input.text('note'),
      assignee: input.text('assignee'),
    }
    if (Object.values(change).every((value) => value === undefined)) {
      throw new UsageError('Nothing to change: give --status, --note or --assignee.')
    }
    const path = `/api/security/alerts/${encodeURIComponent(input.argument(0))}`
    const alert = await apiOf(input, context).patch<AlertView>(path, change)
    if (context.out.isJson) context.out.json(alert)
    else context.out.print(describeAlert(alert))
  },
}
