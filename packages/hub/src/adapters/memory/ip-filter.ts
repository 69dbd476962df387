import type { IpFilterRule } from '../../network/ip-filter.ts'
import type { IpFilterStore } from '../../network/ip-filter-store.ts'

/** The IP filter for tests: everything in memory, durable at once. */
export class MemoryIpFilter implements IpFilterStore {
  #rules: readonly IpFilterRule[] = []
  readonly #addresses = new Map<string, number>()

  async rules(): Promise<readonly IpFilterRule[]> {
    return this.#rules
  }

  async setRules(rules: readonly IpFilterRule[]): Promise<void> {
    this.#rules = rules
  }

  async addresses(): Promise<ReadonlyMap<string, number>> {
    return new Map(this.#addresses)
  }

  async saveAddresses(seen: ReadonlyMap<string, number>, beforeMs: number): Promise<void> {
    for (const [address, seenMs] of seen) this.#addresses.set(address, seenMs)
    for (const [address, seenMs] of this.#addresses) {
      if (seenMs < beforeMs) this.#addresses.delete(address)
    }
  }
}
