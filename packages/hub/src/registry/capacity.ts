import { HubError, MAX_IDENTITIES } from '@twinward/protocol'
import type { Registry } from './registry.ts'

/**
 * Keeps the hub at `MAX_IDENTITIES` (11 §1). It remembers a number that the registry cannot exceed,
 * and counts again only when that one leaves no room; so it may refuse what would just have fitted
 * beside a creation that fails, but never lets one too many in.
 */
export class Capacity {
  readonly #registry: Registry
  readonly #limit: number
  #atMost: number | undefined
  /** Identities of all creations that began, and of those that are under way. */
  #begun = 0
  #underWay = 0

  constructor(registry: Registry, limit = MAX_IDENTITIES) {
    this.#registry = registry
    this.#limit = limit
  }

  /**
   * Runs `create`, which adds as many identities as `wanted`, if there is room.
   *
   * @throws {HubError} `TooManyDevices`
   */
  async use<T>(wanted: number, create: () => Promise<T>): Promise<T> {
    if (this.#atMost === undefined || this.#atMost + wanted > this.#limit) await this.#count()
    if ((this.#atMost ?? 0) + wanted > this.#limit) {
      throw new HubError('TooManyDevices', `A hub holds ${this.#limit} devices and modules.`)
    }
    this.#atMost = (this.#atMost ?? 0) + wanted
    this.#begun += wanted
    this.#underWay += wanted
    try {
      return await create()
    } finally {
      this.#underWay -= wanted
    }
  }

  async #count(): Promise<void> {
    // The count may miss whatever is under way now or begins while it is awaited.
    const missed = this.#underWay - this.#begun
    const { devices, modules } = await this.#registry.count()
    this.#atMost = devices + modules + missed + this.#begun
  }
}
