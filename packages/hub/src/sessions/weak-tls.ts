/** What a connection was secured with, where that should be better. */
export interface WeakTls {
  /** `TLSv1.2` */
  readonly protocol: string
  /** As IANA names it: `TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA`. */
  readonly suite: string
}

/** With these a key that is lost later opens nothing that was recorded before. */
const FORWARD_SECRET = /^TLS_(ECDHE|DHE)_/
const BROKEN = /_(RC4|3DES|NULL|EXPORT|DES|DES40)_|_CBC_SHA$|_MD5$/

/**
 * Whether a suite of TLS 1.2 is one to leave: without forward secrecy, with RC4 or 3DES, or CBC with
 * SHA-1. Pure.
 *
 * @param suite  as IANA names it
 */
export function isWeakSuite(suite: string): boolean {
  return !FORWARD_SECRET.test(suite) || BROKEN.test(suite)
}
