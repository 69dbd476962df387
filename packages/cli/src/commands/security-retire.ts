import type { Command } from '../command.ts'
import { commandModule } from '../security-module.ts'

export const securityRetire: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  options: [{ flags: '--reason <text>', description: 'why, for people' }],
  talksTo: 'server',
  details:
    'The record of the device stays readable and its configuration cannot be changed any more. It can\n' +
    'still connect: disable it with "device update" if it must not. "security resume" undoes this.',
  examples: [['security retire pump-1 --reason scrapped', 'the device is out of service']],

  async run(input, context) {
    await commandModule(input, context, 'retire', { reason: input.text('reason') })
  },
}
