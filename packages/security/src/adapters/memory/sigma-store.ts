import type { SigmaStore, StoredSigmaRule } from '../../detection/sigma/sigma-store.ts'

/** Sigma rules until the process ends, kept as JSON texts so that nobody shares an object with us. */
export class MemorySigmaStore implements SigmaStore {
  readonly #texts = new Map<string, string>()

  async all(): Promise<readonly StoredSigmaRule[]> {
    return [...this.#texts.values()]
      .map((text) => JSON.parse(text) as StoredSigmaRule)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  async put(rules: readonly StoredSigmaRule[]): Promise<void> {
    for (const rule of rules) this.#texts.set(rule.id, JSON.stringify(rule))
  }

  async remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#texts.delete(id)
  }
}
