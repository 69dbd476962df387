import { apiOf, type Command } from './command.ts'
import { progressOf, type RolloutView, rolloutPath } from './rollout.ts'

/** A command that does one thing with a rollout under way. */
export function rolloutStep(
  step: 'pause' | 'resume' | 'advance' | 'rollback',
  { details, meaning }: { readonly details: string; readonly meaning: string },
): Command {
  return {
    arguments: [{ syntax: '<rollout>', description: 'its id' }],
    talksTo: 'server',
    details,
    examples: [[`rollout ${step} fan-2`, meaning]],

    async run(input, context) {
      const id = input.argument(0)
      const api = apiOf(input, context)
      const rollout = await api.post<RolloutView>(`${rolloutPath(id)}/${step}`, {})
      if (context.out.isJson) context.out.json(rollout)
      else context.out.print(`Rollout ${id}: ${progressOf(rollout)}.`)
    },
  }
}
