import type { DeviceRef, TwinPatch } from '@twinward/protocol'
import type { StreamName } from './messages/event-log.ts'
import type { WeakTls } from './sessions/weak-tls.ts'

/** What happened, told after it is durable. A hint to look, never the truth: losing it loses no state. */
export type Notice =
  | {
      readonly kind: 'desired-changed'
      readonly ref: DeviceRef
      /** As written; a replace carries `null` for every key that went. */
      readonly patch: TwinPatch
      readonly version: number
    }
  /** `patch`: as written. */
  | { readonly kind: 'reported-changed'; readonly ref: DeviceRef; readonly patch: TwinPatch }
  /** `patch`: as written; `null` when any tag may have changed. */
  | { readonly kind: 'tags-changed'; readonly ref: DeviceRef; readonly patch: TwinPatch | null }
  | { readonly kind: 'identity-created'; readonly ref: DeviceRef }
  | {
      readonly kind: 'identity-changed'
      readonly ref: DeviceRef
      readonly disabled: boolean
      readonly credentialChanged: boolean
      /** What opens it now (`credentialIds`); absent = nothing of what did before. */
      readonly credentialIds?: readonly string[]
    }
  | { readonly kind: 'identity-removed'; readonly ref: DeviceRef }
  /** Certificates of this CA (`Credential.authorityId`) open nothing any more. */
  | { readonly kind: 'authority-revoked'; readonly authorityId: string }
  | {
      readonly kind: 'session-opened'
      readonly ref: DeviceRef
      /** As of `Credential`. */
      readonly credentialId?: string
      /** Of the peer. */
      readonly address?: string
      /** Only of a connection that should be better secured. */
      readonly weakTls?: WeakTls
    }
  | { readonly kind: 'session-closed'; readonly ref: DeviceRef }
  | { readonly kind: 'methods-subscribed'; readonly ref: DeviceRef }
  | { readonly kind: 'messages-stored'; readonly stream: StreamName }
  /** A cloud-to-device message waits: new, or back in the queue. */
  | { readonly kind: 'cloud-message-waiting'; readonly ref: DeviceRef }
  /** The audit log has a new event. */
  | { readonly kind: 'audit-recorded' }
  /** The IP filter or the routing is another. */
  | { readonly kind: 'setup-changed' }
  /** Feedback waits for a reader: new, or back in the queue. */
  | { readonly kind: 'feedback-waiting' }

/** At-most-once notices between the parts of a hub. */
export interface EventBus {
  publish(notice: Notice): void
  /** @returns a function that ends the subscription */
  subscribe(listener: (notice: Notice) => void): () => void
}
