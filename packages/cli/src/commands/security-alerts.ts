import { type Command, nextCommand } from '../command.ts'
import { ALERT_STATUSES, type AlertView, deviceOf, SEVERITIES } from '../finding.ts'
import { formatTime } from '../output.ts'
import { DEVICE_OPTION, PAGE_OPTIONS, readPages, showPage, TIME_OPTIONS } from '../pages.ts'

export const securityAlerts: Command = {
  options: [
    DEVICE_OPTION,
    { flags: '--type <type>', description: 'of this type, such as IoT_ReverseShell' },
    { flags: '--status <status>', description: 'with this status', choices: ALERT_STATUSES },
    { flags: '--severity <severity>', description: 'of this severity', choices: SEVERITIES },
    ...TIME_OPTIONS,
    ...PAGE_OPTIONS,
  ],
  talksTo: 'server',
  examples: [
    ['security alerts --status Active --severity High', 'what to look at first'],
    ['security alerts --device pump-1 --json', 'for a program'],
  ],

  async run(input, context) {
    const path = '/api/security/alerts'
    const page = await readPages<AlertView>(input, context, path, {
      device: input.text('device'),
      type: input.text('type'),
      status: input.text('status'),
      severity: input.text('severity'),
      from: input.text('from'),
      to: input.text('to'),
    })
    showPage(context, page, {
      head: ['ID', 'LAST', 'DEVICE', 'SEVERITY', 'STATUS', 'COUNT', 'ALERT'],
      row: (alert) => [
        alert.id,
        formatTime(alert.endTimeUtc),
        deviceOf(alert),
        alert.severity,
        alert.status,
        String(alert.count),
        alert.displayName,
      ],
      empty: 'No such alerts.',
    })
    if (page.items.length > 0 && !context.out.isJson) {
      const command = nextCommand(input, context, 'security alerts show ID')
      context.out.note(`What happened and what to do: ${command}`)
    }
  },
}
