import type { Rollout, WaveCounts } from './rollout.ts'

/** What is known of a rollout under way. */
export interface Progress {
  /** Of the current wave. */
  readonly wave: WaveCounts
  /** Of this one and those before it. */
  readonly all: WaveCounts
}

export type Decision =
  /** `calmSinceMs`: as of `Rollout`. */
  | { readonly kind: 'stay'; readonly calmSinceMs: number }
  | { readonly kind: 'advance' }
  | { readonly kind: 'complete' }
  | { readonly kind: 'fail'; readonly reason: string }

/**
 * What is to happen next to a rollout that runs and whose current wave has been brought to all of its
 * twins that are there. Pure.
 *
 *     failed > failureRatio, of the wave or of all so far   → fail
 *     succeeded < successRatio of the wave                  → stay, or fail when its time is over
 *     else                                                  → stay for the pause, then advance or complete
 */
export function decide(rollout: Rollout, { wave, all }: Progress, nowMs: number): Decision {
  const { rules, waves, calmSinceMs } = rollout
  const number = rollout.wave + 1
  for (const [counts, what] of [
    [wave, `wave ${number}`],
    [all, `waves 1 to ${number}`],
  ] as const) {
    if (counts.failed > counts.applied * rules.failureRatio) {
      return { kind: 'fail', reason: `${counts.failed} of ${counts.applied} in ${what} failed.` }
    }
  }
  if (wave.succeeded < wave.applied * rules.successRatio) {
    const sinceMs = waves[rollout.wave]?.sinceMs ?? nowMs
    if (nowMs - sinceMs < rules.waitMs) return { kind: 'stay', calmSinceMs: 0 }
    const reason = `Only ${wave.succeeded} of ${wave.applied} in wave ${number} succeeded in time.`
    return { kind: 'fail', reason }
  }
  const isCalmSinceMs = calmSinceMs === 0 ? nowMs : calmSinceMs
  // In an empty wave there is nobody to wait for.
  const isEmpty = wave.applied === 0 && (waves[rollout.wave]?.planned ?? 0) === 0
  if (!isEmpty && nowMs - isCalmSinceMs < rules.pauseMs) {
    return { kind: 'stay', calmSinceMs: isCalmSinceMs }
  }
  return rollout.wave === waves.length - 1 ? { kind: 'complete' } : { kind: 'advance' }
}
