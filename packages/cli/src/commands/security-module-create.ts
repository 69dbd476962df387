import { type Command, UsageError } from '../command.ts'
import { commandModule } from '../security-module.ts'

export const securityModuleCreate: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  options: [
    {
      flags: '--restore',
      description: 'with what is kept of a deleted one, also of an earlier device with this id',
    },
    { flags: '--fresh', description: 'with the default configuration, whatever is kept' },
  ],
  talksTo: 'server',
  details:
    'Without an option the module gets what is kept of the one that this device had. With --restore\n' +
    'a module that exists gets what is kept. Keys are not kept: the module has new ones.',
  examples: [
    ['security module create pump-1', 'also where the policy gives none'],
    ['security module create pump-1 --restore', 'undo the deletion of a device'],
  ],

  async run(input, context) {
    const [isRestored, isFresh] = [input.isSet('restore'), input.isSet('fresh')]
    if (isRestored && isFresh) throw new UsageError('Give either --restore or --fresh.')
    const body = isRestored ? { restore: true } : isFresh ? { restore: false } : {}
    await commandModule(input, context, 'module', body)
  },
}
