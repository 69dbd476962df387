import { type DeviceRef, refKey } from '@twinward/protocol'
import type {
  DeviceChange,
  Entry,
  InsertOutcome,
  QueryPage,
  QueryRows,
  Registry,
  RegistryCounts,
} from '../../registry/registry.ts'
import type { Query } from '../../twins/query/ast.ts'
import { queryEntries } from './query-entries.ts'

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

  async changeDevice(
    deviceId: string,
    decide: (device: Entry) => DeviceChange,
  ): Promise<Entry | undefined> {
    const entry = this.#entries.get(deviceId)
    if (!entry) return undefined
    const { device, added = [], removed = [] } = decide(entry)
    this.#entries.set(deviceId, device)
    for (const moduleId of removed) this.#entries.delete(refKey({ deviceId, moduleId }))
    for (const module of added) this.#entries.set(refKey(module.ref), module)
    return device
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

  async listEntries(limit: number, after?: DeviceRef): Promise<readonly Entry[]> {
    const key = after && sortKey(after)
    return [...this.#entries.values()]
      .filter(({ ref }) => key === undefined || sortKey(ref) > key)
      .sort((a, b) => (sortKey(a.ref) < sortKey(b.ref) ? -1 : 1))
      .slice(0, limit)
  }

  async listThese(refs: readonly DeviceRef[]): Promise<readonly Entry[]> {
    const keys = new Set(refs.map(refKey))
    return [...keys].flatMap((key) => this.#entries.get(key) ?? [])
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

  async query(query: Query, page: QueryPage): Promise<QueryRows> {
    return queryEntries([...this.#entries.values()], query, page)
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

/** No id contains U+0000, so that a device and its modules stay together. */
function sortKey({ deviceId, moduleId = '' }: DeviceRef): string {
  return `${deviceId}\0${moduleId}`
}
