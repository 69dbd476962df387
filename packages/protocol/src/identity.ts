export type DeviceStatus = 'enabled' | 'disabled'

export type Authentication =
  | { readonly type: 'sas'; readonly primaryKey: string; readonly secondaryKey: string }
  | {
      readonly type: 'selfSigned'
      readonly primaryThumbprint: string | null
      readonly secondaryThumbprint: string | null
    }
  | { readonly type: 'certificateAuthority' }
  /** Only of modules that the hub makes itself (`$edgeAgent`, `$edgeHub`): nobody connects as one. */
  | { readonly type: 'none' }

/** A device or module identity as the hub keeps it. Times are ms since the epoch, 0 = never. */
export interface Identity {
  /** Decimal digits; a re-created identity gets a new one. */
  readonly generationId: string
  /** Moves by one with every write of the identity; shown as base64 of its decimal digits. */
  readonly etag: number
  readonly status: DeviceStatus
  readonly statusReason: string | null
  readonly statusUpdatedTimeMs: number
  readonly connectionStateUpdatedTimeMs: number
  readonly lastActivityTimeMs: number
  readonly authentication: Authentication
  /** Devices only. */
  readonly iotEdge: boolean
  /** Modules only; empty when nobody manages it. */
  readonly managedBy: string
  /** Plug-and-play model announced at connect; empty when none. */
  readonly modelId: string
  /** Devices only, absent when there is none: its own scope (edge) or its parent's (leaf) (01 §6). */
  readonly deviceScope?: string
  /** Devices only; absent means none, at most one today (01 §6). */
  readonly parentScopes?: readonly string[]
  /** Whether a session is open. Written after the fact: `Sessions` knows it at once. */
  readonly connected?: boolean
  /**
   * What its last session was opened with, under a name that tells nothing about a key. Written after
   * the fact; absent before the first session, and not moved by tokens of a policy.
   */
  readonly lastCredential?: { readonly id: string; readonly timeMs: number }
  /** When its keys were rotated or replaced by the hub; absent = never. */
  readonly keysRotatedTimeMs?: number
  /** Scheduled jobs whose update its twin has taken, the newest last: so that none takes effect twice. */
  readonly appliedJobs?: readonly string[]
  /** Subscriptions of a persistent MQTT session, as the gateway packs them; absent when there is none. */
  readonly mqttSession?: number
}
