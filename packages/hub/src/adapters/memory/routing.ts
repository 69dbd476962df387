import type { RoutingStore, StoredRouting } from '../../routing/routing-store.ts'

/** The routing document for tests: in memory, durable at once. */
export class MemoryRoutingStore implements RoutingStore {
  #routing: StoredRouting | undefined
  #epoch = 0

  async find(): Promise<StoredRouting | undefined> {
    return this.#routing
  }

  async put(routing: StoredRouting): Promise<boolean> {
    if (routing.etag !== (this.#routing?.etag ?? 0) + 1) return false
    this.#routing = routing
    return true
  }

  async nextEpoch(): Promise<number> {
    this.#epoch++
    return this.#epoch
  }
}
