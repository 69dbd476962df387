import { apiOf, type Command, UsageError } from '../command.ts'
import {
  at,
  CHANNELS,
  ENABLE_OPTIONS,
  readEnabled,
  readSettings,
  SETTING_OPTIONS,
} from '../notification.ts'

export const securityNotifyChannelUpdate: Command = {
  arguments: [{ syntax: '<id>', description: 'of `security notify channel list`' }],
  options: [
    ...SETTING_OPTIONS,
    { flags: '--unset <name>', description: 'remove a setting', isRepeatable: true },
    ...ENABLE_OPTIONS,
  ],
  talksTo: 'server',
  details: 'What is not named stays. A disabled channel is not told later what happened meanwhile.',
  examples: [
    ['security notify channel update soar --secret-file secret=new.key', 'another secret'],
    ['security notify channel update mail --disable', 'silence for a while'],
  ],

  async run(input, context) {
    const id = input.argument(0)
    const removed = input.list('unset').map((name) => [name, null] as const)
    const settings = { ...Object.fromEntries(removed), ...readSettings(input) }
    const description = input.text('description')
    const change = {
      ...(Object.keys(settings).length > 0 && { settings }),
      ...(description !== undefined && { description }),
      ...readEnabled(input),
    }
    if (Object.keys(change).length === 0) throw new UsageError('Say what to change.')
    const changed = await apiOf(input, context).patch(at(CHANNELS, id), change)
    if (context.out.isJson) return context.out.json(changed)
    context.out.print(`Changed the channel ${id}.`)
  },
}
