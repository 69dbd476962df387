import type { Command } from '../command.ts'
import { DEAD_LETTERS, type DeadLetterView } from '../notification.ts'
import { formatTime, printable } from '../output.ts'
import { PAGE_OPTIONS, readPages, showPage } from '../pages.ts'

export const securityNotifyDeadLetters: Command = {
  options: [{ flags: '--channel <id>', description: 'of this channel' }, ...PAGE_OPTIONS],
  talksTo: 'server',
  examples: [['security notify dead-letters --channel soar', 'what one channel never got']],

  async run(input, context) {
    const filter = { channel: input.text('channel') }
    const page = await readPages<DeadLetterView>(input, context, DEAD_LETTERS, filter)
    showPage(context, page, {
      head: ['ID', 'CHANNEL', 'GIVEN UP', 'WHAT', 'SEVERITY', 'TYPE', 'DEVICE', 'TRIES', 'REASON'],
      row: ({ id, channelId, deadUtc, event, severity, type, deviceId, attempts, reason }) => [
        ...[id, channelId, formatTime(deadUtc), event, severity, printable(type)],
        ...[printable(deviceId), String(attempts), printable(reason)],
      ],
      empty: 'No notification was given up.',
    })
  },
}
