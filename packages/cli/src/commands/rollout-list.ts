import { apiOf, type Command } from '../command.ts'
import { ROLLOUTS_PATH, type RolloutView } from '../rollout.ts'

export const rolloutList: Command = {
  talksTo: 'server',
  examples: [['rollout list', 'all that are remembered']],

  async run(input, context) {
    const { items } = await apiOf(input, context).get<{ items: readonly RolloutView[] }>(
      ROLLOUTS_PATH,
    )
    const { out } = context
    if (out.isJson) return out.json(items)
    if (items.length === 0) return out.note('No rollouts.')
    out.table(
      ['ROLLOUT', 'CONFIGURATION', 'STATE', 'WAVE', 'SINCE', 'REASON'],
      items.map(({ id, configurationId, state, currentWave, waves, updatedTimeUtc, reason }) => {
        const wave = `${currentWave} of ${waves.length}`
        return [id, configurationId, state, wave, updatedTimeUtc, reason ?? '']
      }),
    )
  },
}
