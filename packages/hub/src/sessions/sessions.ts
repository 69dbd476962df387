import { type DeviceRef, refKey } from '@twinward/protocol'
import type { EventBus, Notice } from '../bus.ts'
import type { MethodRequest } from '../methods/methods.ts'
import type { Credential } from '../registry/authenticator.ts'
import type { WeakTls } from './weak-tls.ts'

/** Why the hub ends a session; the words go to the log. */
export type CloseReason =
  | 'taken over by a newer connection'
  | 'the identity was removed'
  | 'the identity was disabled'
  | 'the credential changed'
  | 'the CA was revoked'
  | 'the hub is stopping'

/** A live connection of a device or module, whatever its protocol. */
export interface LiveSession {
  readonly ref: DeviceRef
  /** What it was opened with; without one, any change of its identity's credentials ends it. */
  readonly credential?: Pick<Credential, 'credentialId' | 'authorityId'>
  /** Where its peer is. */
  readonly address?: string
  /** What is weak about its connection; absent = nothing. */
  readonly weakTls?: WeakTls | undefined
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

/** A session whose connection should be better secured. */
export interface WeakSession {
  readonly ref: DeviceRef
  readonly weakTls: WeakTls
}

/**
 * Who is connected: at most one session per identity, the newest.
 * Gateways register theirs here; notices of the bus find their session here.
 */
export class Sessions {
  readonly #live = new Map<string, LiveSession>()
  readonly #bus: EventBus
  #devices = 0

  constructor(bus: EventBus) {
    this.#bus = bus
    bus.subscribe((notice) => this.#notice(notice))
  }

  get count(): number {
    return this.#live.size
  }

  /** Without modules. */
  get deviceCount(): number {
    return this.#devices
  }

  /** Makes `session` the one of its identity; an older one is closed. */
  open(session: LiveSession): void {
    const key = refKey(session.ref)
    const older = this.#live.get(key)
    this.#live.set(key, session)
    if (!older && session.ref.moduleId === undefined) this.#devices++
    older?.close('taken over by a newer connection')
    const { ref, credential: { credentialId } = {}, address, weakTls } = session
    this.#bus.publish({
      ...{ kind: 'session-opened', ref },
      ...(credentialId && { credentialId }),
      ...(address !== undefined && { address }),
      ...(weakTls && { weakTls }),
    })
  }

  /** Those whose connection should be better secured. */
  weakest(): readonly WeakSession[] {
    return [...this.#live.values()].flatMap(({ ref, weakTls }) => (weakTls ? { ref, weakTls } : []))
  }

  /** Forgets a session that has ended; a no-op when a newer one has taken its place. */
  closed(session: LiveSession): void {
    const key = refKey(session.ref)
    if (this.#live.get(key) !== session) return
    this.#live.delete(key)
    if (session.ref.moduleId === undefined) this.#devices--
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
      else if (notice.credentialChanged) this.#closeUnless(notice.ref, notice.credentialIds ?? [])
    } else if (notice.kind === 'authority-revoked') this.#closeAuthority(notice.authorityId)
  }

  /** A change of one key leaves alone who came with the other, or with a policy's token. */
  #closeUnless(ref: DeviceRef, credentialIds: readonly string[]): void {
    const session = this.find(ref)
    if (session && !stillOpens(session.credential, credentialIds)) {
      session.close('the credential changed')
    }
  }

  #closeAuthority(authorityId: string): void {
    for (const session of [...this.#live.values()]) {
      if (session.credential?.authorityId === authorityId) session.close('the CA was revoked')
    }
  }

  /** A disabled device takes its modules along. */
  #closeDevice(deviceId: string): void {
    for (const session of [...this.#live.values()]) {
      if (session.ref.deviceId === deviceId) session.close('the identity was disabled')
    }
  }
}

/** Whether what a session was opened with is among what opens its identity now. */
export function stillOpens(
  credential: Pick<Credential, 'credentialId'> | undefined,
  credentialIds: readonly string[],
): boolean {
  if (!credential) return false
  return credential.credentialId === undefined || credentialIds.includes(credential.credentialId)
}
