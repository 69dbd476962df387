import { apiOf, type Command, CommandError } from '../command.ts'
import { at, CHANNELS } from '../notification.ts'
import { printable } from '../output.ts'

/** The channel's own limit, and some time for the rest. */
const TEST_TIMEOUT_MS = 40_000

export const securityNotifyChannelTest: Command = {
  arguments: [{ syntax: '<id>', description: 'of `security notify channel list`' }],
  talksTo: 'server',
  details: 'Sends a test at once, past what waits. `security drill` tries the whole way.',
  examples: [['security notify channel test soar', 'does it arrive?']],

  async run(input, context) {
    const id = input.argument(0)
    const answer = await apiOf(input, context).post<{
      readonly hasArrived: boolean
      readonly reason: string | null
    }>(`${at(CHANNELS, id)}/test`, undefined, TEST_TIMEOUT_MS)
    if (context.out.isJson) context.out.json(answer)
    else if (answer.hasArrived) context.out.print(`The test arrived at ${id}.`)
    if (!answer.hasArrived) {
      throw new CommandError(`The test did not arrive at ${id}: ${printable(answer.reason ?? '')}`)
    }
  },
}
