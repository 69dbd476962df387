import type { Command } from '../command.ts'
import { apiOf } from '../command.ts'
import { CHANNELS, type ChannelView } from '../notification.ts'
import { printable } from '../output.ts'
import { type Page, showPage } from '../pages.ts'

export const securityNotifyChannelList: Command = {
  talksTo: 'server',
  examples: [['security notify channel list', 'where notifications go']],

  async run(input, context) {
    const page = await apiOf(input, context).get<Page<ChannelView>>(CHANNELS)
    showPage(context, page, {
      head: ['ID', 'KIND', 'ENABLED', 'TO', 'DESCRIPTION'],
      row: ({ id, kind, isEnabled, settings, description }) => [
        ...[id, kind, isEnabled ? 'yes' : 'no'],
        printable(String(settings.url ?? settings.host ?? settings.servers ?? '')),
        printable(description),
      ],
      empty: 'No channels: nobody is told of findings. Add one: security notify channel add.',
    })
  },
}
