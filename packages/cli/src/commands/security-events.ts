import type { JsonValue } from '@twinward/protocol'
import type { Command } from '../command.ts'
import { formatTime, shorten } from '../output.ts'
import { DEVICE_OPTION, PAGE_OPTIONS, readPages, showPage, TIME_OPTIONS } from '../pages.ts'

/** Details are shown up to here; --json has them whole. */
const MAX_DETAILS_CHARACTERS = 100

interface EventView {
  readonly timeStampUtc: string | null
  readonly deviceId: string
  readonly name: string
  readonly eventType: string
  readonly details: JsonValue
}

export const securityEvents: Command = {
  options: [
    DEVICE_OPTION,
    { flags: '--name <name>', description: 'of this name, such as ProcessCreate' },
    ...TIME_OPTIONS,
    ...PAGE_OPTIONS,
  ],
  talksTo: 'server',
  examples: [
    ['security events --device pump-1 --name Login', 'logins on a device'],
    ['security events --from 2026-01-31 --all --json', 'for a program'],
  ],

  async run(input, context) {
    const path = '/api/security/events'
    const page = await readPages<EventView>(input, context, path, {
      device: input.text('device'),
      name: input.text('name'),
      from: input.text('from'),
      to: input.text('to'),
    })
    showPage(context, page, {
      head: ['TIME', 'DEVICE', 'EVENT', 'TYPE', 'DETAILS'],
      row: (event) => [
        formatTime(event.timeStampUtc),
        event.deviceId,
        event.name,
        event.eventType,
        shorten(JSON.stringify(event.details), MAX_DETAILS_CHARACTERS),
      ],
      empty: 'No such events.',
    })
  },
}
