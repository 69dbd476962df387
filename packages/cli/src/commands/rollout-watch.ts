import { apiOf, type Command, CommandError } from '../command.ts'
import { followRollout } from '../follow-rollout.ts'

export const rolloutWatch: Command = {
  arguments: [{ syntax: '<rollout>', description: 'its id' }],
  talksTo: 'server',
  details: 'Until it is completed, halted, paused or taken back; the exit code is 0 for completed.',
  examples: [['rollout watch fan-2', 'one line for each change']],

  async run(input, context) {
    const id = input.argument(0)
    const { out } = context
    const ended = await followRollout(apiOf(input, context), id, (text) => out.note(text))
    if (out.isJson) out.json(ended)
    else out.print(`Rollout ${id} is ${ended.state}.`)
    if (ended.state !== 'completed') throw new CommandError(ended.reason ?? `It is ${ended.state}.`)
  },
}
