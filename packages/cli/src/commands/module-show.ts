import { apiOf, type Command } from '../command.ts'
import { describeIdentity, getIdentity, readRef, withoutKeys } from '../identity.ts'

export const moduleShow: Command = {
  arguments: [
    { syntax: '<device>', description: 'the device' },
    { syntax: '<id>', description: 'the module' },
  ],
  talksTo: 'server',
  details: 'Keys are not shown: `connection-string --device … --module …` prints them.',
  examples: [['module show pump-1 azureiotsecurity', 'connection and authentication']],

  async run(input, context) {
    const ref = readRef(input.argument(0), input.argument(1))
    const module = await getIdentity(apiOf(input, context), ref)
    if (context.out.isJson) context.out.json(withoutKeys(module))
    else context.out.print(describeIdentity(module))
  },
}
