import { apiOf, type Command } from '../command.ts'
import { type RolloutView, rolloutPath, WAVE_HEAD, waveRows } from '../rollout.ts'

export const rolloutShow: Command = {
  arguments: [{ syntax: '<rollout>', description: 'its id' }],
  talksTo: 'server',
  examples: [['rollout show fan-2', 'its waves and how each does']],

  async run(input, context) {
    const id = input.argument(0)
    const rollout = await apiOf(input, context).get<RolloutView>(rolloutPath(id))
    const { out } = context
    if (out.isJson) return out.json(rollout)
    const { configurationId, state, reason, success, failure } = rollout
    const lines = [
      `Rollout ${id} of configuration ${configurationId}: ${state}`,
      ...(reason === undefined ? [] : [`Why: ${reason}`]),
      `Well:   ${success ?? 'holds the configuration'}; ${rollout.successRatio} of a wave needed`,
      `Failed: ${failure ?? 'never'}; ${rollout.failureRatio} of a wave allowed, then ${rollout.onFailure}`,
      `Pause ${rollout.pause}, at most ${rollout.wait} a wave`,
    ]
    out.print(lines.join('\n'))
    out.table(WAVE_HEAD, waveRows(rollout.waves))
  },
}
