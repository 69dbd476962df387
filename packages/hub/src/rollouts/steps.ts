import type { WriteAuthor } from '../twins/desired-review.ts'
import type { WrittenRollout } from './read-rollout.ts'
import type { Rollout, Wave, WaveCounts } from './rollout.ts'

/** A rollout that was asked for; its waves are cut later. Pure, as all here. */
export function newRollout(
  { id, configurationId, configuration, sizes, rules }: WrittenRollout,
  author: WriteAuthor | undefined,
  nowMs: number,
): Rollout {
  const waves = sizes.map((size) => ({ size, below: 0, planned: 0, sinceMs: 0, doneMs: 0 }))
  return {
    ...{ id, configurationId, configuration, rules, waves, state: 'preparing', wave: -1 },
    ...{ calmSinceMs: 0, reason: '', createdMs: nowMs, updatedMs: nowMs },
    history: [{ timeMs: nowMs, state: 'preparing', wave: -1, by: author?.name ?? '', note: '' }],
    author: author ?? null,
  }
}

/** At the beginning of its next wave. */
export function inNextWave(rollout: Rollout, nowMs: number): Rollout {
  const next = { ...rollout, wave: rollout.wave + 1, calmSinceMs: 0, reason: '' }
  return withWave(next, { sinceMs: nowMs })
}

/** Its wave has its time anew. */
export function inSameWave(rollout: Rollout, nowMs: number): Rollout {
  return withWave({ ...rollout, calmSinceMs: 0, reason: '' }, { sinceMs: nowMs })
}

/** Its wave is done. */
export function afterWave(rollout: Rollout, counts: WaveCounts, nowMs: number): Rollout {
  return withWave(rollout, { doneMs: nowMs, counts })
}

function withWave(rollout: Rollout, change: Partial<Wave>): Rollout {
  const { waves, wave } = rollout
  return {
    ...rollout,
    waves: waves.map((each, at) => (at === wave ? { ...each, ...change } : each)),
  }
}

export function isLastWave({ wave, waves }: Rollout): boolean {
  return wave === waves.length - 1
}
