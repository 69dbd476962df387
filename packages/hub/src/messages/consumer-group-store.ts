/** A group of event readers that somebody created. */
export interface ConsumerGroup {
  /** As it was spelled when it was created; unique without regard to case. */
  readonly name: string
  readonly createdMs: number
}

/** IoT Hub's limit of the standard tiers (10 §6); `$Default` does not count. */
export const MAX_CONSUMER_GROUPS = 20

/**
 * The consumer groups that were created; those that always exist are not in it.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/consumer-group-store.ts`.
 * A promise resolves once the change would survive a crash.
 */
export interface ConsumerGroupStore {
  /** All of them, in the order of their names; at most `MAX_CONSUMER_GROUPS`. */
  list(): Promise<readonly ConsumerGroup[]>

  find(name: string): Promise<ConsumerGroup | undefined>

  /** Adds one; `taken`: there is one of that name, which is told even when there is no room. */
  insert(group: ConsumerGroup): Promise<'inserted' | 'taken' | 'full'>

  /** @returns whether there was one */
  remove(name: string): Promise<boolean>
}
