import type { JsonObject } from '@twinward/protocol'
import type { WriteAuthor } from '../twins/desired-review.ts'

/**
 * `preparing` → `running` ⇄ `paused`; `running` → `halted` when a wave fails, → `completed` after the
 * last wave. From any but the last: → `rollingBack` → `rolledBack`.
 */
export type RolloutState =
  | 'preparing'
  | 'running'
  | 'paused'
  | 'halted'
  | 'rollingBack'
  | 'rolledBack'
  | 'completed'

/** A part of the fleet that gets the configuration together. */
export interface Wave {
  /** As written: `5%` of the targets, `20` targets, or `rest`. */
  readonly size: string
  /** Twins with a place below this one belong to this wave or one before it. */
  readonly below: number
  /** Targets in it when the rollout began. */
  readonly planned: number
  /** When it began; 0 = not yet. */
  readonly sinceMs: number
  /** When it was left; 0 = not yet. */
  readonly doneMs: number
  /** As they were when it was left. */
  readonly counts?: WaveCounts
}

/** Twins of a wave. */
export interface WaveCounts {
  /** Hold the configuration. */
  readonly applied: number
  readonly succeeded: number
  readonly failed: number
}

export interface RolloutRules {
  /** A condition over a twin that took the configuration well; absent: to hold it is enough. */
  readonly success?: string
  /** A condition over a twin that did not. */
  readonly failure?: string
  /** Share of a wave, 0 to 1, that must succeed before the next. */
  readonly successRatio: number
  /** Share of a wave, 0 to 1, whose failure ends the rollout when it is exceeded. */
  readonly failureRatio: number
  /** How long a wave must have been well before the next. */
  readonly pauseMs: number
  /** How long a wave has to succeed; then the rollout ends. */
  readonly waitMs: number
  readonly onFailure: 'halt' | 'rollback'
}

/** A configuration that comes to its targets in waves. Times in ms since the epoch. */
export interface Rollout {
  readonly id: string
  readonly configurationId: string
  /** The document of the configuration, as it was given. */
  readonly configuration: JsonObject
  readonly rules: RolloutRules
  readonly waves: readonly Wave[]
  readonly state: RolloutState
  /** Place of the current wave; -1 before the first. */
  readonly wave: number
  /** Since when the current wave is well; 0 = it is not. */
  readonly calmSinceMs: number
  /** Why it was halted or taken back; empty when it was not. */
  readonly reason: string
  readonly createdMs: number
  readonly updatedMs: number
  /** The newest last, at most `MAX_STEPS`. */
  readonly history: readonly RolloutStep[]
  readonly author: WriteAuthor | null
}

export interface RolloutStep {
  readonly timeMs: number
  readonly state: RolloutState
  readonly wave: number
  /** A policy name, or `hub`. */
  readonly by: string
  readonly note: string
}

/** Steps of one rollout that are remembered. */
export const MAX_STEPS = 100

/** Whether nothing will happen to it any more. */
export function isOver({ state }: Pick<Rollout, 'state'>): boolean {
  return state === 'completed' || state === 'rolledBack'
}
