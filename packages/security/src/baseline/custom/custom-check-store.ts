import type { Page } from '../../data/finding-store.ts'

/** Sets of checks that one hub keeps. */
export const MAX_CHECK_SETS = 100

/** A set of checks beside its content. */
export interface CheckSet {
  /** SHA-256 of the content, in lower-case hex. */
  readonly sha256: string
  readonly addedMs: number
  readonly addedBy: string
  readonly sizeBytes: number
  readonly baselineId: string
  readonly checks: number
  /** SHA-256 of the XML that it was made from; empty when it was none. */
  readonly xmlSha256: string
}

/**
 * Sets of custom checks by the hash of their content. Adapters: `adapters/memory`, `adapters/sqlite`;
 * each passes `test/contracts/custom-check-store.ts`. Lists as those of `FindingStore`.
 */
export interface CustomCheckStore {
  find(sha256: string): Promise<CheckSet | undefined>
  /** What agents get, exactly. */
  content(sha256: string): Promise<string | undefined>
  /** By hash. */
  list(filter: {
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<CheckSet>>
  /** Puts a set in the place of the one with the same hash. */
  put(set: CheckSet, content: string): Promise<void>
  remove(sha256: string): Promise<void>
  count(): Promise<number>
}
