import type { DeviceMessage, DeviceRef, JsonObject } from '@twinward/protocol'
import type { HubActivity } from './activity/hub-activity.ts'
import type { HubSetup } from './recommendations/hub/hub-setup.ts'

/** A security module as the platform shows it to a service. */
export interface PlatformModule {
  readonly ref: Required<DeviceRef>
  readonly connected: boolean
  /** The twin's etag, opaque. */
  readonly etag: string
  readonly tags: JsonObject
  readonly desired: JsonObject
  readonly desiredVersion: number
  /** ms since the epoch of the last write of desired; 0 when unknown. */
  readonly desiredUpdatedMs: number
  readonly reported: JsonObject
  readonly reportedVersion: number
  /** ms since the epoch of the last write of reported; absent or 0 when unknown. */
  readonly reportedUpdatedMs?: number
  /**
   * Desired properties that automatic configurations of the hub set, as `a.b`, each with its
   * configuration's id; absent without any, and where the platform does not tell.
   */
  readonly configured?: { readonly [path: string]: string }
  /** ms since the epoch when `connected` last changed; absent or 0 when unknown. */
  readonly connectionChangedMs?: number
  readonly lastActivityMs: number
}

/** What tells whether a module has to be looked at: a platform can list it without reading twins. */
export type ModuleMark = Pick<PlatformModule, 'ref' | 'tags' | 'desiredVersion' | 'reportedVersion'>

export interface ModuleMarkPage {
  readonly marks: readonly ModuleMark[]
  /** Opaque; only when there are more. */
  readonly next?: string
}

/** What opens an identity: digests that the platform makes, so that no key leaves it. */
export interface CredentialMark {
  readonly ref: DeviceRef
  readonly credentials: readonly {
    readonly kind: 'symmetricKey' | 'certificate'
    /** SHA-256 of a key, or the thumbprint of a certificate, in lower case; of no other meaning. */
    readonly digest: string
  }[]
}

export interface CredentialMarkPage {
  readonly marks: readonly CredentialMark[]
  /** Opaque; only when there are more. */
  readonly next?: string
}

/** A security message, as it waits in the platform's stream. */
export interface SecurityMessage extends DeviceMessage {
  /** Place in the stream; grows, may skip. */
  readonly sequence: number
  readonly enqueuedTimeMs: number
}

export type PlatformNotice =
  | { readonly kind: 'messages' }
  /** The hub wrote something down about itself; told only where there is `activity`. */
  | { readonly kind: 'hub-event' }
  | { readonly kind: 'device-created' | 'device-removed'; readonly deviceId: string }
  /** Of the device or of one of its modules; not every platform tells. */
  | { readonly kind: 'credentials-changed'; readonly deviceId: string }
  | {
      readonly kind: 'module-created' | 'module-removed' | 'desired-changed' | 'reported-changed'
      readonly ref: Required<DeviceRef>
    }
  | { readonly kind: 'connected' | 'disconnected'; readonly ref: Required<DeviceRef> }
  /** Of the device itself or of one of its modules; `patch` is `null` when any may have changed. */
  | { readonly kind: 'tags-changed'; readonly deviceId: string; readonly patch: JsonObject | null }

export interface TwinPatchRequest {
  readonly tags?: JsonObject
  readonly desired?: JsonObject
}

/**
 * The only door from the security service to identities, twins, security messages and methods:
 * what a service could do with anybody's hub. Adapters: embedded (this hub, in process); later any
 * hub by connection string. Refusals are `HubError`s.
 */
export interface TwinPlatform {
  /** What the hub tells of its own use; `undefined` where it tells nothing. */
  readonly activity?: HubActivity
  /** What the hub tells of how it is set up; `undefined` where it tells nothing. */
  readonly hubSetup?: HubSetup
  /**
   * Up to `limit` device ids in a stable order, after `after`; fewer only at the end. Where `after` is
   * gone, some or all of those before it may come again.
   */
  listDevices(limit: number, after?: string): Promise<readonly string[]>
  /**
   * The modules with one of these ids on all devices, a page at a time, in any order, each once.
   * What comes, goes or changes meanwhile may be missing or old.
   *
   * @param after  `next` of the page before
   */
  listModuleMarks(moduleIds: readonly string[], after?: string): Promise<ModuleMarkPage>
  /**
   * What opens each identity, devices and modules, a page at a time, each once; those without a
   * credential of their own may be left out. What comes, goes or changes meanwhile may be missing or old.
   *
   * @param after  `next` of the page before
   */
  listCredentialMarks(after?: string): Promise<CredentialMarkPage>
  /** Those of a device and its modules; `undefined` when the device does not exist. */
  credentialMarks(deviceId: string): Promise<readonly CredentialMark[] | undefined>
  /**
   * What tells a device from another one that had its id before; opaque. `undefined` when there is
   * no such device, or the platform does not tell.
   */
  deviceGeneration(deviceId: string): Promise<string | undefined>
  /** All modules of a device; `undefined` when the device does not exist. */
  listModules(deviceId: string): Promise<readonly PlatformModule[] | undefined>
  findModule(ref: Required<DeviceRef>): Promise<PlatformModule | undefined>
  /** The tags of a device's own twin, or `undefined` without such a device. */
  deviceTags(deviceId: string): Promise<JsonObject | undefined>
  /** Creates a module identity with generated keys and these sections in its twin. */
  createModule(ref: Required<DeviceRef>, seed: TwinPatchRequest): Promise<PlatformModule>
  /** @throws {HubError} `DeviceNotFound`; `PreconditionFailed` when `ifMatch` is stale */
  patchTwin(
    ref: Required<DeviceRef>,
    patch: TwinPatchRequest,
    ifMatch?: string,
  ): Promise<PlatformModule>
  /** Up to `limit` security messages after `after`, oldest first. */
  readMessages(after: number, limit: number): Promise<readonly SecurityMessage[]>
  /**
   * Puts a security message into the stream as if the module had sent it: for fire drills.
   *
   * @returns its sequence, once it would survive a crash
   * @throws {HubError} `NotImplemented` where only modules themselves can send; `ServiceUnavailable`
   *   while too many wait
   */
  sendSecurityMessage(ref: Required<DeviceRef>, body: Uint8Array): Promise<number>
  /** Everything up to `through` has been taken over for good; the platform may forget it. */
  releaseMessages(through: number): Promise<void>
  /** @returns a function that ends the subscription. Notices are hints and may be lost. */
  subscribe(listener: (notice: PlatformNotice) => void): () => void
}
