import { apiOf, type Command, nextCommand } from '../command.ts'
import { CHANNEL_KINDS, CHANNELS, readSettings, SETTING_OPTIONS } from '../notification.ts'

export const securityNotifyChannelAdd: Command = {
  arguments: [{ syntax: '<id>', description: 'a name for it' }],
  options: [
    {
      flags: '--kind <kind>',
      description: 'how it is reached',
      defaultText: 'webhook',
      choices: CHANNEL_KINDS,
    },
    ...SETTING_OPTIONS,
  ],
  talksTo: 'server',
  details:
    'Settings: webhook url, secret, authorization, ca; email host, port, security, username, password,\n' +
    'from, to, digestSeconds, ca; syslog host, port, protocol, facility, ca; nats servers, subject,\n' +
    'jetStream, username, password, token, ca. Secrets are never shown again. A channel is told nothing\n' +
    'until a route leads to it.',
  examples: [
    [
      'security notify channel add soar --set url=https://soar.example/hook --secret-file secret=hook.key',
      'a signed webhook',
    ],
    [
      'security notify channel add siem --kind syslog --set host=siem.example --set protocol=tcp',
      'CEF over TCP',
    ],
  ],

  async run(input, context) {
    const id = input.argument(0)
    const description = input.text('description')
    const made = await apiOf(input, context).post(CHANNELS, {
      id,
      kind: input.text('kind') ?? 'webhook',
      settings: readSettings(input),
      ...(description !== undefined && { description }),
    })
    if (context.out.isJson) return context.out.json(made)
    context.out.print(`Added the channel ${id}.`)
    const next = nextCommand(input, context, `security notify route add ${id} --channel ${id}`)
    context.out.note(`Nothing leads to it yet: ${next}`)
  },
}
