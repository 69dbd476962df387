import type { DeviceRef, Identity, Twin } from '@twinward/protocol'
import type { Query } from '../twins/query/ast.ts'

/** What has become of a configuration in a twin: one that is `Targeted` does not apply, or not yet. */
export interface ConfigurationStatus {
  readonly status: 'Applied' | 'Targeted'
  /** With which wave of a rollout it came, from 0; absent when with none. */
  readonly wave?: number
  /** Why it could not be applied. */
  readonly error?: string
}

/** What automatic configurations made of a twin. Services see the statuses; devices see nothing of it. */
export interface Configured {
  /** By the configuration's id. */
  readonly statuses: { readonly [configurationId: string]: ConfigurationStatus }
  /** Desired properties that a configuration sets, as `a.b`, each with its id. */
  readonly paths: { readonly [path: string]: string }
  /** Desired `$version` when this was written down: what is newer, somebody else wrote. */
  readonly version: number
}

/** One row of the registry: an identity and its twin. They are born and die together. Immutable. */
export interface Entry {
  readonly ref: DeviceRef
  readonly identity: Identity
  readonly twin: Twin
  /** Absent when no configuration has to do with the twin. */
  readonly configured?: Configured
}

/** Why nothing was inserted: a ref that exists already, or a module without its device. */
export type InsertOutcome =
  | 'inserted'
  | { readonly taken: DeviceRef }
  | { readonly orphan: DeviceRef }

/** What `changeDevice` makes of a device and its modules. */
export interface DeviceChange {
  readonly device: Entry
  /** Modules that the device has afterwards as they are here, whether or not it had them before. */
  readonly added?: readonly Entry[]
  /** Ids of modules that it has no more. */
  readonly removed?: readonly string[]
}

export interface RegistryCounts {
  readonly devices: number
  readonly disabledDevices: number
  readonly modules: number
}

/** Which results of a query: up to `limit`, after the position that an earlier page ended at. */
export interface QueryPage {
  readonly limit: number
  readonly after?: string
}

/** Results as JSON texts; `next` only when there are more, as `after` of the next page. */
export interface QueryRows {
  readonly rows: readonly string[]
  readonly next?: string
}

/**
 * The identity registry, with the twin of every identity.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/registry.ts`.
 * A promise resolves once the change would survive a crash, and a read never shows what would not.
 * Calls about one entry take effect in the order in which they are made.
 */
export interface Registry {
  /** The entry, or `undefined` when there is no such device or module. */
  find(ref: DeviceRef): Promise<Entry | undefined>

  /** Adds all of the entries or none. A module's device must exist or be among the entries. */
  insert(entries: readonly Entry[]): Promise<InsertOutcome>

  /**
   * Replaces an entry by what `decide` makes of it; no other change of that entry comes in between.
   *
   * `decide` is pure: it may be called again after a lost race. When it throws, nothing changes and
   * the promise rejects with what it threw. Returning the same object changes nothing. Sections that
   * are the same objects as before are not written again. Promises of changes of one entry settle in
   * the order of the calls.
   *
   * @param use  `passing`: an entry that nobody else asks for meanwhile need not stay in memory
   * @returns the new entry, or `undefined` when there is no such device or module
   */
  change(
    ref: DeviceRef,
    decide: (entry: Entry) => Entry,
    use?: 'passing',
  ): Promise<Entry | undefined>

  /**
   * As `change`, of a device (not a module), with modules that come and go in the same commit.
   *
   * @returns the new entry of the device, or `undefined` when there is no such device
   */
  changeDevice(
    deviceId: string,
    decide: (device: Entry) => DeviceChange,
  ): Promise<Entry | undefined>

  /**
   * Removes a device with all of its modules, or one module.
   *
   * @param check  called with the entry of `ref` just before; when it throws, nothing is removed
   * @returns the removed refs, the given one first; empty when there was none
   */
  remove(ref: DeviceRef, check?: (entry: Entry) => void): Promise<readonly DeviceRef[]>

  /** Up to `limit` devices (not modules) in the order of their ids (code units), after `after`. */
  listDevices(limit: number, after?: string): Promise<readonly Entry[]>

  /**
   * Up to `limit` entries, each device before its modules, in the order of their ids, after `after`
   * (which need not exist any more). Ends early when the entries get large, never with none.
   */
  listEntries(limit: number, after?: DeviceRef): Promise<readonly Entry[]>

  /**
   * Those of the entries that there are, in any order, once each. As entries that are listed, they do
   * not stay in memory.
   */
  listThese(refs: readonly DeviceRef[]): Promise<readonly Entry[]>

  /** All modules of a device, in the order of their ids. */
  listModules(deviceId: string): Promise<readonly Entry[]>

  count(): Promise<RegistryCounts>

  /**
   * Results of a query as `twins/query` defines them: of `SELECT *` the service's view of each twin,
   * connected as `Identity.connected` says. Sees every change that was called before. In an order
   * that stays: whatever else changes, no document that did not is skipped or shown twice. May end
   * early when the results get large.
   *
   * @throws {HubError} `ThrottlingException` when too many queries wait; `ArgumentInvalid` for a
   *   position of another query
   */
  query(query: Query, page: QueryPage): Promise<QueryRows>

  /** Waits for what is under way, then releases the store. */
  close(): Promise<void>
}
