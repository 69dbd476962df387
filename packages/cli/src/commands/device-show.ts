import { apiOf, type Command } from '../command.ts'
import { describeIdentity, getIdentity, readRef, withoutKeys } from '../identity.ts'

export const deviceShow: Command = {
  arguments: [{ syntax: '<id>', description: 'the device' }],
  talksTo: 'server',
  details: 'Keys are not shown: `connection-string --device` prints them.',
  examples: [['device show pump-1', 'status, connection, authentication']],

  async run(input, context) {
    const device = await getIdentity(apiOf(input, context), readRef(input.argument(0)))
    if (context.out.isJson) context.out.json(withoutKeys(device))
    else context.out.print(describeIdentity(device))
  },
}
