import type { DeviceRef, Identity, Twin } from '@twinward/protocol'

/** One row of the registry: an identity and its twin. They are born and die together. Immutable. */
export interface Entry {
  readonly ref: DeviceRef
  readonly identity: Identity
  readonly twin: Twin
}

/** Why nothing was inserted: a ref that exists already, or a module without its device. */
export type InsertOutcome =
  | 'inserted'
  | { readonly taken: DeviceRef }
  | { readonly orphan: DeviceRef }

export interface RegistryCounts {
  readonly devices: number
  readonly disabledDevices: number
  readonly modules: number
}

/**
 * The identity registry, with the twin of every identity.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/registry.ts`.
 * A promise resolves once the change would survive a crash, and a read never shows what would not.
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
   * are the same objects as before are not written again.
   *
   * @returns the new entry, or `undefined` when there is no such device or module
   */
  change(ref: DeviceRef, decide: (entry: Entry) => Entry): Promise<Entry | undefined>

  /**
   * Removes a device with all of its modules, or one module.
   *
   * @param check  called with the entry of `ref` just before; when it throws, nothing is removed
   * @returns the removed refs, the given one first; empty when there was none
   */
  remove(ref: DeviceRef, check?: (entry: Entry) => void): Promise<readonly DeviceRef[]>

  /** Up to `limit` devices (not modules) in the order of their ids (code units), after `after`. */
  listDevices(limit: number, after?: string): Promise<readonly Entry[]>

  /** All modules of a device, in the order of their ids. */
  listModules(deviceId: string): Promise<readonly Entry[]>

  count(): Promise<RegistryCounts>

  /** Waits for what is under way, then releases the store. */
  close(): Promise<void>
}
