import type { DeviceRef } from '@twinward/protocol'
import type { IpFilterRule } from '../ip-filter.ts'

/** How a hub is set up, as far as it tells. */
export interface HubSettings {
  /** It listens where only its own machine can connect. */
  readonly isLocalOnly: boolean
  /** Of its IP filter, in their order. */
  readonly ipRules: readonly IpFilterRule[]
  /** From which devices and modules connected in the last fourteen days, those of its own machine left out. */
  readonly observedAddresses: readonly string[]
  /** Which of its own events readers can get: a route stores them. */
  readonly storedEvents: { readonly lifecycle: boolean; readonly connections: boolean }
}

/** What a connection was secured with, where that should be better. */
export interface WeakTls {
  /** `TLSv1.2` */
  readonly protocol: string
  /** As IANA names it: `TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA`. */
  readonly suite: string
}

/** A connected device or module whose connection should be better secured. */
export interface WeakConnection {
  readonly ref: DeviceRef
  readonly weakTls: WeakTls
}

export type HubSetupNotice =
  | { readonly kind: 'settings-changed' }
  | {
      readonly kind: 'session-opened'
      readonly ref: DeviceRef
      /** Absent: nothing is weak. */
      readonly weakTls?: WeakTls
    }

/** What a hub tells of how it is set up and how it is connected to, where it does. */
export interface HubSetup {
  settings(): Promise<HubSettings>
  /** Those that are connected now. */
  weakConnections(): Promise<readonly WeakConnection[]>
  /** @returns a function that ends it. Notices are hints and may be lost. */
  subscribe(listener: (notice: HubSetupNotice) => void): () => void
}
