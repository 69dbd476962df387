import type { JsonObject } from '@twinward/protocol'
import type { DeviceMemory } from '../data/finding-store.ts'
import type { RuleMemory } from './rule.ts'

/** What rules remember about a device; `changed` gives what they set. */
export class Memory implements RuleMemory {
  readonly #deviceId: string
  readonly #values: Map<string, JsonObject>
  #isChanged = false

  constructor(deviceId: string, stored: DeviceMemory | undefined) {
    this.#deviceId = deviceId
    this.#values = new Map(Object.entries(stored?.values ?? {}) as [string, JsonObject][])
  }

  get(name: string): JsonObject | undefined {
    return this.#values.get(name)
  }

  set(name: string, value: JsonObject): void {
    this.#values.set(name, value)
    this.#isChanged = true
  }

  changed(): readonly DeviceMemory[] {
    if (!this.#isChanged) return []
    return [{ deviceId: this.#deviceId, values: Object.fromEntries(this.#values) }]
  }
}
