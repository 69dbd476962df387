import type { FindingStore } from '../data/finding-store.ts'
import type { FindingChange } from './finding-change.ts'

/** Everything that reads changed findings: the store is the truth, a notice only says "look now". */
export class FindingFeed {
  readonly #findings: Pick<FindingStore, 'changesAfter' | 'lastChange'>
  readonly #listeners = new Set<() => void>()

  constructor(findings: Pick<FindingStore, 'changesAfter' | 'lastChange'>) {
    this.#findings = findings
  }

  /** As `FindingStore.changesAfter`. */
  after(sequence: number, limit: number): Promise<readonly FindingChange[]> {
    return this.#findings.changesAfter(sequence, limit)
  }

  /** As `FindingStore.lastChange`. */
  last(): Promise<number> {
    return this.#findings.lastChange()
  }

  /** To be called after a commit of findings. */
  wake(): void {
    for (const listener of this.#listeners) listener()
  }

  /** @returns a function that ends it; notices are hints and may be lost */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
