import type { Rollout } from '../../rollouts/rollout.ts'
import type { RolloutStore } from '../../rollouts/rollout-store.ts'

/** Rollouts for tests: everything in memory, durable at once. */
export class MemoryRollouts implements RolloutStore {
  readonly #rollouts = new Map<string, Rollout>()

  async list(): Promise<readonly Rollout[]> {
    return [...this.#rollouts.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  async save(rollout: Rollout): Promise<void> {
    this.#rollouts.set(rollout.id, rollout)
  }

  async remove(id: string): Promise<void> {
    this.#rollouts.delete(id)
  }
}
