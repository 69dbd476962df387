import type { Command } from '../command.ts'
import { commandModule } from '../security-module.ts'

export const securityResume: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  talksTo: 'server',
  examples: [['security resume pump-1', 'its agent collects again as before']],

  async run(input, context) {
    await commandModule(input, context, 'resume', {})
  },
}
