import { apiOf, type Command } from '../command.ts'
import { rolloutPath } from '../rollout.ts'

export const rolloutDelete: Command = {
  arguments: [{ syntax: '<rollout>', description: 'its id' }],
  talksTo: 'server',
  details: 'Only one that is completed or rolled back. Its configuration stays.',
  examples: [['rollout delete fan-2', 'forget its history']],

  async run(input, context) {
    const id = input.argument(0)
    await apiOf(input, context).delete(rolloutPath(id))
    if (context.out.isJson) context.out.json({ id })
    else context.out.print(`Rollout ${id} is forgotten.`)
  },
}
