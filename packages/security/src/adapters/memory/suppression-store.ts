import type { Suppression } from '../../detection/suppressions/suppression.ts'
import type { SuppressionStore } from '../../detection/suppressions/suppression-store.ts'

/** Suppressions, until the process ends. */
export class MemorySuppressionStore implements SuppressionStore {
  /** As JSON texts, so that nobody shares an object with us. */
  readonly #texts = new Map<string, string>()

  async all(): Promise<readonly Suppression[]> {
    const all = Array.from(this.#texts.values(), (text) => JSON.parse(text) as Suppression)
    return all.sort((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1))
  }

  async put(suppression: Suppression): Promise<void> {
    this.#texts.set(suppression.id, JSON.stringify(suppression))
  }

  async remove(id: string): Promise<void> {
    this.#texts.delete(id)
  }
}
