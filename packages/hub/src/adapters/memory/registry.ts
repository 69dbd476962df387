import { type DeviceRef, refKey } from '@twinward/protocol'
import type { Entry, InsertOutcome, Registry, RegistryCounts } from '../../registry/registry.ts'

/** The registry for tests: everything in memory, durable at once. */
export class MemoryRegistry implements Registry {
  readonly #entries = new Map<string, Entry>()

  async find(ref: DeviceRef): Promise<Entry | undefined> {
    return this.#entries.get(refKey(ref))
  }

  async insert(entries: readonly Entry[]): Promise<InsertOutcome> {
    const keys = new Set<string>()
    for (const { ref } of entries) {
      const key = refKey(ref)
      if (this.#entries.has(key) || keys.has(key)) return { taken: ref }
      keys.add(key)
    }
    for (const { ref } of entries) {
      const { deviceId } = ref
      if (!this.#entries.has(deviceId) && !keys.has(deviceId)) return { orphan: ref }
    }
    for (const entry of entries) this.#entries.set(refKey(entry.ref), entry)
    return 'inserted'
  }

  async change(ref: DeviceRef, decide: (entry: Entry) => Entry): Promise<Entry | undefined> {
    const entry = this.#entries.get(refKey(ref))
    if (!entry) return undefined
    const next = decide(entry)
    this.#entries.set(refKey(ref), next)
    return next
  }

  async remove(ref: DeviceRef, check?: (entry: Entry) => void): Promise<readonly DeviceRef[]> {
    const entry = this.#entries.get(refKey(ref))
    if (!entry) return []
    check?.(entry)
    const modules = ref.moduleId === undefined ? this.#modules(ref.deviceId) : []
    const removed = [entry, ...modules].map((gone) => gone.ref)
    for (const gone of removed) this.#entries.delete(refKey(gone))
    return removed
  }

  async listDevices(limit: number, after = ''): Promise<readonly Entry[]> {
    return this.#devices()
      .filter(({ ref }) => ref.deviceId > after)
      .sort((a, b) => (a.ref.deviceId < b.ref.deviceId ? -1 : 1))
      .slice(0, limit)
  }

  async listModules(deviceId: string): Promise<readonly Entry[]> {
    return this.#modules(deviceId)
  }

  async count(): Promise<RegistryCounts> {
    const devices = this.#devices()
    return {
      devices: devices.length,
      disabledDevices: devices.filter(({ identity }) => identity.status === 'disabled').length,
      modules: this.#entries.size - devices.length,
    }
  }

  async close(): Promise<void> {}

  #devices(): Entry[] {
    return [...this.#entries.values()].filter(({ ref }) => ref.moduleId === undefined)
  }

  #modules(deviceId: string): Entry[] {
    return [...this.#entries.values()]
      .filter(({ ref }) => ref.deviceId === deviceId && ref.moduleId !== undefined)
      .sort((a, b) => (String(a.ref.moduleId) < String(b.ref.moduleId) ? -1 : 1))
  }
}
