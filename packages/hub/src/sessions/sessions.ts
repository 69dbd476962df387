import { type DeviceRef, refKey } from '@twinward/protocol'
import type { EventBus, Notice } from '../bus.ts'
import type { MethodRequest } from '../methods/methods.ts'

/** Why the hub ends a session; the words go to the log. */
export type CloseReason =
  | 'taken over by a newer connection'
  | 'the identity was removed'
  | 'the identity was disabled'
  | 'the credential changed'
  | 'the hub is stopping'

/** A live connection of a device or module, whatever its protocol. */
export interface LiveSession {
  readonly ref: DeviceRef
  /** Ends the connection soon; must not throw. `Sessions.closed` follows. */
  close(reason: CloseReason): void
  /** Called for each `desired-changed` of this identity. */
  desiredChanged?(notice: Extract<Notice, { kind: 'desired-changed' }>): void
  /** Called when a cloud-to-device message of this identity waits. */
  cloudMessageWaiting?(): void
  /** Whether it has subscribed to direct methods; `Sessions.subscribedToMethods` tells the change. */
  readonly takesMethods?: boolean
  /** Sends a direct method to the device; its answer goes to `Methods.answer`. Must not throw. */
  callMethod?(request: MethodRequest): void
}

/**
 * Who is connected: at most one session per identity, the newest.
 * Gateways register theirs here; notices of the bus find their session here.
 */
export class Sessions {
  readonly #live = new Map<string, LiveSession>()
  readonly #bus: EventBus

  constructor(bus: EventBus) {
    this.#bus = bus
    bus.subscribe((notice) => this.#notice(notice))
  }

  get count(): number {
    return this.#live.size
  }

  /** Makes `session` the one of its identity; an older one is closed. */
  open(session: LiveSession): void {
    const key = refKey(session.ref)
    const older = this.#live.get(key)
    this.#live.set(key, session)
    older?.close('taken over by a newer connection')
    this.#bus.publish({ kind: 'session-opened', ref: session.ref })
  }

  /** Forgets a session that has ended; a no-op when a newer one has taken its place. */
  closed(session: LiveSession): void {
    const key = refKey(session.ref)
    if (this.#live.get(key) !== session) return
    this.#live.delete(key)
    this.#bus.publish({ kind: 'session-closed', ref: session.ref })
  }

  find(ref: DeviceRef): LiveSession | undefined {
    return this.#live.get(refKey(ref))
  }

  isConnected(ref: DeviceRef): boolean {
    return this.#live.has(refKey(ref))
  }

  /** A session now takes direct methods: calls that wait for it may go. */
  subscribedToMethods(session: LiveSession): void {
    this.#bus.publish({ kind: 'methods-subscribed', ref: session.ref })
  }

  /** Closes every session and forgets them. */
  closeAll(reason: CloseReason): void {
    for (const session of [...this.#live.values()]) session.close(reason)
  }

  #notice(notice: Notice): void {
    if (notice.kind === 'desired-changed') this.find(notice.ref)?.desiredChanged?.(notice)
    else if (notice.kind === 'cloud-message-waiting') {
      this.find(notice.ref)?.cloudMessageWaiting?.()
    } else if (notice.kind === 'identity-removed') {
      this.find(notice.ref)?.close('the identity was removed')
    } else if (notice.kind === 'identity-changed') {
      if (notice.disabled) this.#closeDevice(notice.ref.deviceId)
      else if (notice.credentialChanged) this.find(notice.ref)?.close('the credential changed')
    }
  }

  /** A disabled device takes its modules along. */
  #closeDevice(deviceId: string): void {
    for (const session of [...this.#live.values()]) {
      if (session.ref.deviceId === deviceId) session.close('the identity was disabled')
    }
  }
}
