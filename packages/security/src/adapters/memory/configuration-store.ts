import { type DeviceRef, HubError, refKey } from '@twinward/protocol'
import {
  type ConfigurationRecord,
  type ConfigurationStore,
  type HistoryEntry,
  type HistoryFilter,
  type Layer,
  MAX_EXPIRED_ENTRIES,
  MAX_HISTORY_ENTRIES,
  MAX_LAYERS,
  type Rollout,
  type StoredHistoryEntry,
} from '../../configuration/configuration-store.ts'
import { isEmptyLayer } from '../../configuration/layers.ts'
import { deviceSubject, subjectOf, subjectOfFilter } from '../../configuration/subject.ts'
import type { Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'

/** For tests: nothing durable. */
export class MemoryConfigurationStore implements ConfigurationStore {
  readonly #layers = new Map<string, Layer>()
  readonly #records = new Map<string, ConfigurationRecord>()
  /** Oldest first. */
  #history: StoredHistoryEntry[] = []
  #lastId = 0
  #rollout: Rollout = { generation: 0, after: '', isDone: true }

  async layers(): Promise<readonly Layer[]> {
    return [...this.#layers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, layer]) => layer)
  }

  async saveLayer(layer: Layer, entry: HistoryEntry): Promise<void> {
    const name = layer.group ?? ''
    const groups = [...this.#layers.keys()].filter((one) => one !== '')
    if (isEmptyLayer(layer)) this.#layers.delete(name)
    else if (name !== '' && !groups.includes(name) && groups.length >= MAX_LAYERS) {
      throw new HubError('IotHubQuotaExceeded', `${MAX_LAYERS} groups have settings already.`)
    } else this.#layers.set(name, structuredClone(layer))
    this.#append(entry)
    this.#rollout = { generation: this.#rollout.generation + 1, after: '', isDone: false }
  }

  async findRecord(ref: Required<DeviceRef>): Promise<ConfigurationRecord | undefined> {
    return this.#records.get(refKey(ref))
  }

  async saveRecord(record: ConfigurationRecord, entries: readonly HistoryEntry[]): Promise<void> {
    this.#records.set(refKey(record.ref), structuredClone(record))
    for (const entry of entries) this.#append(entry)
  }

  async removeDevice(deviceId: string): Promise<void> {
    for (const [key, { ref }] of this.#records) {
      if (ref.deviceId === deviceId) this.#records.delete(key)
    }
    const subject = deviceSubject(deviceId)
    this.#history = this.#history.filter((entry) => subjectOf(entry) !== subject)
  }

  async rollout(): Promise<Rollout> {
    return this.#rollout
  }

  async advanceRollout(rollout: Rollout): Promise<void> {
    if (rollout.generation === this.#rollout.generation) this.#rollout = rollout
  }

  async listHistory(filter: HistoryFilter): Promise<Page<StoredHistoryEntry>> {
    const { layer, limit, continuationToken } = filter
    checkLimit(limit)
    const before =
      continuationToken === undefined
        ? Number.MAX_SAFE_INTEGER
        : parsePageToken('configurations', continuationToken).order
    const subject = subjectOfFilter(filter)
    const found = this.#history
      .filter((entry) => entry.id < before)
      .filter((entry) => subject === undefined || subjectOf(entry) === subject)
      .filter((entry) => layer === undefined || entry.layer === layer)
      .reverse()
    const items = found.slice(0, limit)
    const last = found.length > limit ? items.at(-1) : undefined
    return {
      items,
      continuationToken: last
        ? formatPageToken('configurations', { order: last.id, id: '' })
        : null,
    }
  }

  async expireHistory(beforeMs: number): Promise<number> {
    const old = this.#history.filter(({ timeMs }) => timeMs < beforeMs)
    const going = new Set(old.slice(0, MAX_EXPIRED_ENTRIES))
    this.#history = this.#history.filter((entry) => !going.has(entry))
    return going.size
  }

  #append(entry: HistoryEntry): void {
    this.#history.push({ ...structuredClone(entry), id: ++this.#lastId })
    const subject = subjectOf(entry)
    const same = this.#history.filter((one) => subjectOf(one) === subject)
    const [oldest] = same
    if (same.length <= MAX_HISTORY_ENTRIES || oldest === undefined) return
    this.#history = this.#history.filter((one) => one !== oldest)
  }
}
