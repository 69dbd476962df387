import { type DeviceRef, isSameRef } from '@twinward/protocol'
import type { Notice } from '../../bus.ts'
import type { Credential } from '../../registry/authenticator.ts'
import { stillOpens } from '../../sessions/sessions.ts'

/** A CONNECT whose credential is being checked, and what has changed meanwhile. */
export class Connecting {
  readonly ref: DeviceRef
  /** The identity was removed or disabled. */
  #isGone = false
  /** What opens the identity since its credentials changed. */
  #credentialIds: readonly string[] | undefined
  readonly #revokedAuthorities = new Set<string>()

  constructor(ref: DeviceRef) {
    this.ref = ref
  }

  /** Until there is a session, notices about its identity have nowhere else to go. */
  notice(notice: Notice): void {
    if (notice.kind === 'identity-removed') {
      if (isSameRef(notice.ref, this.ref)) this.#isGone = true
    } else if (notice.kind === 'identity-changed') {
      if (notice.disabled && notice.ref.deviceId === this.ref.deviceId) this.#isGone = true
      if (notice.credentialChanged && isSameRef(notice.ref, this.ref)) {
        this.#credentialIds = notice.credentialIds ?? []
      }
    } else if (notice.kind === 'authority-revoked') this.#revokedAuthorities.add(notice.authorityId)
  }

  /** Whether what was proven is worth nothing any more. */
  isStale(credential: Credential): boolean {
    const { authorityId } = credential
    if (this.#isGone) return true
    if (this.#credentialIds && !stillOpens(credential, this.#credentialIds)) return true
    return authorityId !== undefined && this.#revokedAuthorities.has(authorityId)
  }
}
