import { apiOf, type Command } from '../command.ts'

export const securityAlertsDismiss: Command = {
  arguments: [
    { syntax: '<type>', description: 'the alert type, such as IoT_FailedLocalLogin' },
    { syntax: '<date>', description: 'the UTC day on which they began, such as 2026-01-31' },
  ],
  options: [{ flags: '--note <text>', description: 'why' }],
  talksTo: 'server',
  details:
    'Dismisses every open alert of the type and day. Alerts that come later that day open as usual;\n' +
    'to hold them back, see "security suppression create".',
  examples: [
    ['security alerts dismiss IoT_FailedLocalLogin 2026-01-31 --note "drill"', 'all of it'],
  ],

  async run(input, context) {
    const [type, date] = [input.argument(0), input.argument(1)].map(encodeURIComponent)
    const path = `/api/security/alerts/aggregated/${type}/${date}/dismiss`
    const note = input.text('note')
    const body = note === undefined ? {} : { note }
    const outcome = await apiOf(input, context).post<{ dismissed: number; isComplete: boolean }>(
      path,
      body,
    )
    const { out } = context
    if (out.isJson) return out.json(outcome)
    out.print(`Dismissed ${outcome.dismissed} alerts.`)
    if (!outcome.isComplete) out.note('There are more; run the command again.')
  },
}
