import type { Page } from '../data/finding-store.ts'
import type { ModuleRecord, Tombstone } from './record.ts'
import { MODULE_STATES, type ModuleState } from './state.ts'

/** Records that are read or written at once at most. */
export const MAX_RECORDS_AT_ONCE = 1000

/** What changes together or not at all; at most `MAX_RECORDS_AT_ONCE` of each. */
export interface ModuleChanges {
  readonly records?: readonly ModuleRecord[]
  /** Ids of devices whose record goes. */
  readonly removed?: readonly string[]
  /** One per device; a later one takes the place of an earlier one. */
  readonly tombstones?: readonly Tombstone[]
  /** Ids of devices whose tombstone goes. */
  readonly forgotten?: readonly string[]
}

export type StateCounts = { readonly [state in ModuleState]: number }

/**
 * What is known of every device's logical security module, and what is left of those that are gone.
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/module-store.ts`. A
 * promise resolves once the change would survive a crash. Lists throw `HubError` `ArgumentInvalid` for
 * a limit that is not 1 to `MAX_PAGE_ITEMS`, or a token that is not of this list; a page may hold less
 * than its limit when its items are long, and goes on while there is a token.
 */
export interface ModuleStore {
  find(deviceId: string): Promise<ModuleRecord | undefined>
  /** Those of up to `MAX_RECORDS_AT_ONCE` devices that have one, by device id. */
  findMany(deviceIds: readonly string[]): Promise<ReadonlyMap<string, ModuleRecord>>
  commit(changes: ModuleChanges): Promise<void>
  /** In the order of device ids (code units). */
  list(filter: {
    readonly state?: ModuleState
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<ModuleRecord>>
  /** Ids of up to `limit` devices with a record, in order, after `after`. */
  deviceIds(limit: number, after?: string): Promise<readonly string[]>
  /** Up to `limit` devices that are due by `nowMs`, the longest waiting first, after `after`. */
  due(nowMs: number, limit: number, after?: DuePlace): Promise<readonly DuePlace[]>
  /** Kept, not counted anew. */
  counts(): Promise<StateCounts>

  findTombstone(deviceId: string): Promise<Tombstone | undefined>
  /** The last that was deleted first. */
  listTombstones(filter: {
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<Tombstone>>
  /** Forgets those that were deleted before. @returns how many */
  expireTombstones(beforeMs: number): Promise<number>

  /** A run begins. @returns whether the one before said its end, or there was none */
  beginRun(): Promise<boolean>
  /** It ends, and everything that it knew is where it belongs. */
  endRun(): Promise<void>
}

/** A count for every state, to begin with. */
export function noModules(): { [state in ModuleState]: number } {
  const counts = MODULE_STATES.map((state) => [state, 0])
  return Object.fromEntries(counts) as { [state in ModuleState]: number }
}

export interface DuePlace {
  readonly deviceId: string
  readonly dueMs: number
}
