import type { Delivery } from './delivery.ts'
import { MAX_WAITING, MAX_WAITING_CHARACTERS } from './limits.ts'

/** What waits for one channel, as it is in the store. */
export class Outbox {
  /** In the order of their numbers. */
  readonly #waiting = new Map<
    string,
    { readonly delivery: Delivery; readonly characters: number }
  >()
  #characters = 0

  get size(): number {
    return this.#waiting.size
  }

  get characters(): number {
    return this.#characters
  }

  /** How many more may come. */
  get room(): number {
    if (this.#characters >= MAX_WAITING_CHARACTERS) return 0
    return Math.max(0, MAX_WAITING - this.#waiting.size)
  }

  /** The oldest one's time; `undefined` when nothing waits. */
  get oldestMs(): number | undefined {
    for (const { delivery } of this.#waiting.values()) return delivery.createdMs
    return undefined
  }

  /** Adds one at the end, or puts it in the place of itself. */
  put(delivery: Delivery): void {
    const characters = JSON.stringify(delivery.body).length
    this.#characters += characters - (this.#waiting.get(delivery.id)?.characters ?? 0)
    this.#waiting.set(delivery.id, { delivery, characters })
  }

  remove(id: string): void {
    this.#characters -= this.#waiting.get(id)?.characters ?? 0
    this.#waiting.delete(id)
  }

  /** Those that nothing with the same order key waits before, in order. */
  heads(): readonly Delivery[] {
    const seen = new Set<string>()
    const heads: Delivery[] = []
    for (const { delivery } of this.#waiting.values()) {
      if (seen.has(delivery.orderKey)) continue
      seen.add(delivery.orderKey)
      heads.push(delivery)
    }
    return heads
  }
}
