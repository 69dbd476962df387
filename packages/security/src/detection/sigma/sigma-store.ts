/** A Sigma rule as it is kept: its text, from which all else is made again. */
export interface StoredSigmaRule {
  readonly id: string
  /** One YAML document. */
  readonly text: string
  /** The name of the import that it came with. */
  readonly source: string
  readonly isEnabled: boolean
  readonly changedMs: number
  readonly changedBy: string
}

/**
 * The Sigma rules that operators loaded. Adapters: `adapters/memory`, `adapters/sqlite`; each
 * passes `test/contracts/sigma-store.ts`. A promise resolves once the change would survive a
 * crash.
 */
export interface SigmaStore {
  /** By id. */
  all(): Promise<readonly StoredSigmaRule[]>
  /** Adds and replaces by id, all or none. */
  put(rules: readonly StoredSigmaRule[]): Promise<void>
  /** Removing nothing is no error. */
  remove(ids: readonly string[]): Promise<void>
}
