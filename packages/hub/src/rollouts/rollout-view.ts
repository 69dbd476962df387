import { formatDuration, type JsonObject } from '@twinward/protocol'
import { formatTime } from '../twins/view.ts'
import type { Rollout, Wave, WaveCounts } from './rollout.ts'

/** A rollout as the API shows it; `counts` are those of the current wave, as they are now. */
export function rolloutView(rollout: Rollout, counts?: WaveCounts): JsonObject {
  const { rules, reason } = rollout
  return {
    id: rollout.id,
    configurationId: rollout.configurationId,
    configuration: rollout.configuration,
    state: rollout.state,
    ...(reason !== '' && { reason }),
    /** From 1; 0 before the first. */
    currentWave: rollout.wave + 1,
    waves: rollout.waves.map((wave, at) =>
      waveView(wave, at === rollout.wave ? counts : undefined),
    ),
    ...(rules.success !== undefined && { success: rules.success }),
    ...(rules.failure !== undefined && { failure: rules.failure }),
    successRatio: rules.successRatio,
    failureRatio: rules.failureRatio,
    pause: formatDuration(rules.pauseMs),
    wait: formatDuration(rules.waitMs),
    onFailure: rules.onFailure,
    ...(rollout.calmSinceMs > 0 && { calmSinceUtc: formatTime(rollout.calmSinceMs) }),
    createdTimeUtc: formatTime(rollout.createdMs),
    updatedTimeUtc: formatTime(rollout.updatedMs),
    history: rollout.history.map(({ timeMs, state, wave, by, note }) => ({
      timeUtc: formatTime(timeMs),
      state,
      wave: wave + 1,
      by,
      note,
    })),
  }
}

function waveView({ size, planned, sinceMs, doneMs, counts }: Wave, now?: WaveCounts): JsonObject {
  const known = now ?? counts
  return {
    size,
    planned,
    state: doneMs > 0 ? 'done' : sinceMs > 0 ? 'running' : 'waiting',
    ...(sinceMs > 0 && { startTimeUtc: formatTime(sinceMs) }),
    ...(doneMs > 0 && { endTimeUtc: formatTime(doneMs) }),
    ...(known && { applied: known.applied, succeeded: known.succeeded, failed: known.failed }),
  }
}
