import type { GroupStore } from '../../groups/group-store.ts'
import type { SecurityGroup } from '../../groups/security-group.ts'

/** Security groups, until the process ends. */
export class MemoryGroupStore implements GroupStore {
  /** As JSON texts, so that nobody shares an object with us. */
  readonly #groups = new Map<string, string>()

  async all(): Promise<readonly SecurityGroup[]> {
    return [...this.#groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, text]) => JSON.parse(text) as SecurityGroup)
  }

  async put(group: SecurityGroup): Promise<void> {
    this.#groups.set(group.name, JSON.stringify(group))
  }

  async remove(name: string): Promise<void> {
    this.#groups.delete(name)
  }
}
