import {
  type ConsumerGroup,
  type ConsumerGroupStore,
  MAX_CONSUMER_GROUPS,
} from '../../messages/consumer-group-store.ts'

/** The consumer groups for tests: everything in memory, durable at once. */
export class MemoryConsumerGroups implements ConsumerGroupStore {
  readonly #groups = new Map<string, ConsumerGroup>()

  async list(): Promise<readonly ConsumerGroup[]> {
    return [...this.#groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group)
  }

  async find(name: string): Promise<ConsumerGroup | undefined> {
    return this.#groups.get(name.toLowerCase())
  }

  async insert(group: ConsumerGroup): Promise<'inserted' | 'taken' | 'full'> {
    const key = group.name.toLowerCase()
    if (this.#groups.has(key)) return 'taken'
    if (this.#groups.size >= MAX_CONSUMER_GROUPS) return 'full'
    this.#groups.set(key, group)
    return 'inserted'
  }

  async remove(name: string): Promise<boolean> {
    return this.#groups.delete(name.toLowerCase())
  }
}
