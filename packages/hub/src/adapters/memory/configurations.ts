import type { Configuration, MetricResults } from '../../configurations/configuration.ts'
import type {
  ConfigurationStore,
  Pass,
  StoredConfiguration,
} from '../../configurations/configuration-store.ts'

/** Configurations for tests: in memory, durable at once. */
export class MemoryConfigurationStore implements ConfigurationStore {
  readonly #configurations = new Map<string, StoredConfiguration>()
  readonly #passes = new Map<string, Pass>()

  async list(): Promise<readonly StoredConfiguration[]> {
    return sorted(this.#configurations)
  }

  async put(configuration: Configuration, pass: Pass): Promise<boolean> {
    const { id, revision } = configuration
    const stored = this.#configurations.get(id)
    if (revision !== (stored?.configuration.revision ?? 0) + 1) return false
    this.#configurations.set(id, { ...stored, configuration })
    this.#passes.set(id, pass)
    return true
  }

  async remove(pass: Pass): Promise<boolean> {
    if (!this.#configurations.delete(pass.configurationId)) return false
    this.#passes.set(pass.configurationId, pass)
    return true
  }

  async beginPass(pass: Pass): Promise<void> {
    this.#passes.set(pass.configurationId, pass)
  }

  async putResults(id: string, results: MetricResults): Promise<void> {
    const stored = this.#configurations.get(id)
    if (stored) this.#configurations.set(id, { ...stored, results })
  }

  async passes(): Promise<readonly Pass[]> {
    return sorted(this.#passes)
  }

  async movePass(pass: Pass): Promise<void> {
    if (this.#isCurrent(pass)) this.#passes.set(pass.configurationId, pass)
  }

  async endPass(pass: Pass): Promise<void> {
    if (this.#isCurrent(pass)) this.#passes.delete(pass.configurationId)
  }

  #isCurrent({ configurationId, number }: Pass): boolean {
    return this.#passes.get(configurationId)?.number === number
  }
}

function sorted<T>(map: ReadonlyMap<string, T>): readonly T[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
}
