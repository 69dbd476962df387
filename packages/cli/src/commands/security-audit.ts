import type { Command } from '../command.ts'
import { formatTime } from '../output.ts'
import { DEVICE_OPTION, PAGE_OPTIONS, readPages, showPage } from '../pages.ts'

interface AuditView {
  readonly kind: string
  readonly outcome: string
  readonly reason?: string
  readonly deviceId?: string
  readonly moduleId?: string
  readonly principal?: string
  readonly address?: string
  readonly subject?: string
  readonly count: number
  readonly lastTimeUtc: string
}

export const securityAudit: Command = {
  options: [
    {
      flags: '--kind <kind>',
      description:
        'of this kind: auth.failure, ca.add, ca.delete, connection.addresses, desired.change, ' +
        'export.change, export.delete, module.create, security.change',
    },
    DEVICE_OPTION,
    ...PAGE_OPTIONS,
  ],
  talksTo: 'server',
  examples: [
    ['security audit', 'what happened to the hub, newest first'],
    ['security audit --kind auth.failure --device pump-1', 'why a device was not let in'],
  ],

  async run(input, context) {
    const page = await readPages<AuditView>(input, context, '/api/audit', {
      kind: input.text('kind'),
      device: input.text('device'),
    })
    showPage(context, page, {
      head: ['TIME', 'KIND', 'OUTCOME', 'DEVICE', 'SUBJECT', 'BY', 'ADDRESS', 'COUNT'],
      row: (event) => [
        formatTime(event.lastTimeUtc),
        event.kind,
        event.reason === undefined ? event.outcome : `${event.outcome}: ${event.reason}`,
        [event.deviceId, event.moduleId].filter((part) => part !== undefined).join('/'),
        event.subject ?? '',
        event.principal ?? '',
        event.address ?? '',
        String(event.count),
      ],
      empty: 'Nothing stands in the audit log.',
    })
  },
}
