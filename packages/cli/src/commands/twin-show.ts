import { pathOf } from '../api-client.ts'
import { apiOf, type Command } from '../command.ts'
import { readRef } from '../identity.ts'
import { describeTwin, type TwinView } from '../twin.ts'

export const twinShow: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  options: [{ flags: '--module <id>', description: 'the twin of this module' }],
  talksTo: 'server',
  details: 'With --json the twin is whole, with the metadata of every property.',
  examples: [
    ['twin show pump-1', "the device's twin"],
    ['twin show pump-1 --module azureiotsecurity', 'its security module twin'],
  ],

  async run(input, context) {
    const ref = readRef(input.argument(0), input.text('module'))
    const twin = await apiOf(input, context).get<TwinView>(pathOf(ref, '/twins'))
    if (context.out.isJson) context.out.json(twin)
    else context.out.print(describeTwin(twin))
  },
}
