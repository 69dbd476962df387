import type { DeviceRef } from '@twinward/protocol'

/** What an identity can be opened with, under a name that tells nothing about it. */
export interface StoredMark {
  /** A keyed hash in hex. */
  readonly mark: string
  /** `symmetricKey`, `certificate` */
  readonly kind: string
}

/** A credential that identities of more than one device have. */
export interface Sharing {
  readonly kind: string
  /** In order; at most as many as were asked for. */
  readonly deviceIds: readonly string[]
  /** Devices in all. */
  readonly total: number
}

/**
 * Marks of credentials: which identities have the same. Adapters: `adapters/memory`,
 * `adapters/sqlite`; each passes `test/contracts/credential-store.ts`. A promise resolves once the
 * change would survive a crash.
 */
export interface CredentialMarkStore {
  /** The key of the hashes: the one that is kept, else this one from now on. */
  keyOr(fresh: string): Promise<string>
  /** Replaces the marks of these identities. */
  put(
    marks: readonly { readonly ref: DeviceRef; readonly marks: readonly StoredMark[] }[],
    pass: number,
  ): Promise<void>
  /** Forgets what no pass since has put. */
  expire(beforePass: number): Promise<void>
  removeDevice(deviceId: string): Promise<void>
  /** What a device, or a module of it, shares with other devices, the most shared first. */
  sharedBy(deviceId: string, limit: number): Promise<readonly Sharing[]>
  /** Ids of up to `limit` devices that share anything, in order, after `after`. */
  sharingDevices(limit: number, after?: string): Promise<readonly string[]>
}
