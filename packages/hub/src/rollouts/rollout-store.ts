import type { Rollout } from './rollout.ts'

/** Rollouts that a hub remembers, those that are over among them. */
export const MAX_ROLLOUTS = 100

/**
 * The rollouts of a hub.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/rollout-store.ts`. A
 * promise resolves once the change would survive a crash.
 */
export interface RolloutStore {
  /** All, in the order of their ids. */
  list(): Promise<readonly Rollout[]>
  /** Adds a rollout, or replaces the one with its id. */
  save(rollout: Rollout): Promise<void>
  remove(id: string): Promise<void>
}
