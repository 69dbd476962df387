import type { Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import type {
  DuePlace,
  ModuleChanges,
  ModuleStore,
  StateCounts,
} from '../../modules/module-store.ts'
import { noModules } from '../../modules/module-store.ts'
import type { ModuleRecord, Tombstone } from '../../modules/record.ts'
import type { ModuleState } from '../../modules/state.ts'

/** Records until the process ends, kept as JSON texts so that nobody shares an object with us. */
export class MemoryModuleStore implements ModuleStore {
  #hasEnded = true
  readonly #records = new Map<string, string>()
  readonly #tombstones = new Map<string, string>()

  async find(deviceId: string): Promise<ModuleRecord | undefined> {
    return parsed<ModuleRecord>(this.#records.get(deviceId))
  }

  async findMany(deviceIds: readonly string[]): Promise<ReadonlyMap<string, ModuleRecord>> {
    const found = new Map<string, ModuleRecord>()
    for (const deviceId of deviceIds) {
      const record = parsed<ModuleRecord>(this.#records.get(deviceId))
      if (record) found.set(deviceId, record)
    }
    return found
  }

  async commit(changes: ModuleChanges): Promise<void> {
    const { records = [], removed = [], tombstones = [], forgotten = [] } = changes
    for (const record of records) this.#records.set(record.deviceId, JSON.stringify(record))
    for (const deviceId of removed) this.#records.delete(deviceId)
    for (const stone of tombstones) this.#tombstones.set(stone.deviceId, JSON.stringify(stone))
    for (const deviceId of forgotten) this.#tombstones.delete(deviceId)
  }

  async list(filter: {
    readonly state?: ModuleState
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<ModuleRecord>> {
    checkLimit(filter.limit)
    const after = placeOf('modules', filter.continuationToken)?.id ?? ''
    const found = this.#all().filter(
      ({ deviceId, state }) =>
        deviceId > after && (filter.state === undefined || filter.state === state),
    )
    return page(found, filter.limit, ({ deviceId }) => {
      return formatPageToken('modules', { order: 0, id: deviceId })
    })
  }

  async deviceIds(limit: number, after = ''): Promise<readonly string[]> {
    const ids = [...this.#records.keys()].filter((id) => id > after)
    return ids.sort().slice(0, limit)
  }

  async beginRun(): Promise<boolean> {
    const hadEnded = this.#hasEnded
    this.#hasEnded = false
    return hadEnded
  }

  async endRun(): Promise<void> {
    this.#hasEnded = true
  }

  async due(nowMs: number, limit: number, after?: DuePlace): Promise<readonly DuePlace[]> {
    const due = this.#all().filter(({ dueMs }) => dueMs > 0 && dueMs <= nowMs)
    return due
      .map(({ deviceId, dueMs }) => ({ deviceId, dueMs }))
      .sort(inOrder)
      .filter((place) => after === undefined || inOrder(after, place) < 0)
      .slice(0, limit)
  }

  async counts(): Promise<StateCounts> {
    const counts = noModules()
    for (const { state } of this.#all()) counts[state]++
    return counts
  }

  async findTombstone(deviceId: string): Promise<Tombstone | undefined> {
    return parsed<Tombstone>(this.#tombstones.get(deviceId))
  }

  async listTombstones(filter: {
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<Tombstone>> {
    checkLimit(filter.limit)
    const after = placeOf('tombstones', filter.continuationToken)
    const all = [...this.#tombstones.values()].map((text) => JSON.parse(text) as Tombstone)
    const found = all.sort(newestFirst).filter((stone) => {
      if (after === undefined) return true
      return newestFirst({ deletedMs: after.order, deviceId: after.id }, stone) < 0
    })
    return page(found, filter.limit, ({ deletedMs, deviceId }) => {
      return formatPageToken('tombstones', { order: deletedMs, id: deviceId })
    })
  }

  async expireTombstones(beforeMs: number): Promise<number> {
    let count = 0
    for (const [deviceId, text] of this.#tombstones) {
      if ((JSON.parse(text) as Tombstone).deletedMs >= beforeMs) continue
      this.#tombstones.delete(deviceId)
      count++
    }
    return count
  }

  #all(): ModuleRecord[] {
    const all = [...this.#records.values()].map((text) => JSON.parse(text) as ModuleRecord)
    return all.sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1))
  }
}

function parsed<T>(text: string | undefined): T | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

function placeOf(list: 'modules' | 'tombstones', token: string | undefined) {
  return token === undefined ? undefined : parsePageToken(list, token)
}

function page<T>(found: readonly T[], limit: number, tokenOf: (last: T) => string): Page<T> {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, continuationToken: found.length > limit && last ? tokenOf(last) : null }
}

function inOrder(a: DuePlace, b: DuePlace): number {
  return a.dueMs - b.dueMs || (a.deviceId < b.deviceId ? -1 : Number(a.deviceId > b.deviceId))
}

type Deleted = Pick<Tombstone, 'deletedMs' | 'deviceId'>

function newestFirst(a: Deleted, b: Deleted): number {
  return (
    b.deletedMs - a.deletedMs || (a.deviceId < b.deviceId ? -1 : Number(a.deviceId > b.deviceId))
  )
}
