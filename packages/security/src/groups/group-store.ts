import type { SecurityGroup } from './security-group.ts'

/**
 * Security groups, as operators wrote them. Adapters: `adapters/memory`, `adapters/sqlite`; each
 * passes `test/contracts/group-store.ts`. A promise resolves once the change would survive a crash.
 */
export interface GroupStore {
  /** All of them in the order of their names, at most `MAX_GROUPS`. */
  all(): Promise<readonly SecurityGroup[]>
  /** Adds the group, or puts it in the place of the one with its name. */
  put(group: SecurityGroup): Promise<void>
  /** Removing nothing is no error. */
  remove(name: string): Promise<void>
}
