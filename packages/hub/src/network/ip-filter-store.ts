import type { IpFilterRule } from './ip-filter.ts'

/**
 * The IP filter of a hub, and addresses that were seen.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/ip-filter-store.ts`. A
 * promise resolves once the change would survive a crash.
 */
export interface IpFilterStore {
  /** In their order; none when never set. */
  rules(): Promise<readonly IpFilterRule[]>
  setRules(rules: readonly IpFilterRule[]): Promise<void>
  /** Each address with when it was seen last, ms since the epoch. */
  addresses(): Promise<ReadonlyMap<string, number>>
  /** Adds addresses or moves their times, and forgets those that were seen before `beforeMs`. */
  saveAddresses(seen: ReadonlyMap<string, number>, beforeMs: number): Promise<void>
}
