import type { Page } from '../../data/finding-store.ts'
import type { Indicator, IndicatorKind } from './indicator.ts'

/** An indicator as it is kept. */
export interface StoredIndicator extends Indicator {
  /** By its kind and value, so that a further import of the same thing updates it. */
  readonly id: string
  readonly changedMs: number
  readonly changedBy: string
}

export interface IndicatorFilter {
  readonly kind?: IndicatorKind
  readonly source?: string
  readonly limit: number
  readonly continuationToken?: string
}

/**
 * The lists that operators imported. Adapters: `adapters/memory`, `adapters/sqlite`; each passes
 * `test/contracts/indicator-store.ts`. A promise resolves once the change would survive a crash.
 */
export interface IndicatorStore {
  find(id: string): Promise<StoredIndicator | undefined>
  /** By id. Throws `HubError` `ArgumentInvalid` for a limit or token that is none. */
  list(filter: IndicatorFilter): Promise<Page<StoredIndicator>>
  count(): Promise<number>
  /** Adds and replaces by id, all or none. */
  put(indicators: readonly StoredIndicator[]): Promise<void>
  /** Removing nothing is no error. */
  remove(id: string): Promise<void>
  removeSource(source: string): Promise<void>
  /** Forgets those that expired at this time or before. */
  removeExpired(throughMs: number): Promise<void>
}
