import type { RoutingDocument } from './routing-document.ts'

export interface StoredRouting {
  /** Grows by one with every write. */
  readonly etag: number
  readonly document: RoutingDocument
}

/**
 * The one routing document of a hub.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/routing-store.ts`.
 * A promise of a write resolves once it would survive a crash.
 */
export interface RoutingStore {
  /** `undefined` until it is written for the first time. */
  find(): Promise<StoredRouting | undefined>

  /**
   * Writes the document if the etag is one more than the one that is there (0 when there is none).
   *
   * @returns whether it was
   */
  put(routing: StoredRouting): Promise<boolean>

  /** A number that is greater each time, 1 the first time. */
  nextEpoch(): Promise<number>
}
