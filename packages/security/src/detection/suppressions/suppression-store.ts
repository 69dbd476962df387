import type { Suppression } from './suppression.ts'

/** Suppressions of one hub, expired ones among them; a further one is refused. */
export const MAX_SUPPRESSIONS = 1_000

/**
 * What holds alerts back. Adapters: `adapters/memory`, `adapters/sqlite`; each passes
 * `test/contracts/suppression-store.ts`. A promise resolves once the change would survive a crash.
 */
export interface SuppressionStore {
  /** Every suppression, the oldest first, then by id. */
  all(): Promise<readonly Suppression[]>
  put(suppression: Suppression): Promise<void>
  remove(id: string): Promise<void>
}
