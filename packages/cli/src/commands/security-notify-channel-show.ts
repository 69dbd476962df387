import { apiOf, type Command } from '../command.ts'
import { at, CHANNELS, type ChannelView } from '../notification.ts'
import { formatFields } from '../output.ts'

export const securityNotifyChannelShow: Command = {
  arguments: [{ syntax: '<id>', description: 'of `security notify channel list`' }],
  talksTo: 'server',
  examples: [['security notify channel show soar', 'its settings, secrets masked']],

  async run(input, context) {
    const channel = await apiOf(input, context).get<ChannelView>(at(CHANNELS, input.argument(0)))
    if (context.out.isJson) return context.out.json(channel)
    const settings = Object.entries(channel.settings).map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      return [name, name === 'ca' ? 'a certificate' : text] as const
    })
    context.out.print(
      formatFields([
        ['Channel', channel.id],
        ['Kind', channel.kind],
        ['Enabled', channel.isEnabled ? 'yes' : 'no'],
        ['Description', channel.description],
        ...settings,
      ]),
    )
  },
}
