/** The certificate that a peer presented in the TLS handshake, having proven that it has its key. */
export interface ClientCertificate {
  /** DER. */
  readonly raw: Uint8Array
  /** DER of the certificates that came with it, in the order they came; may be empty. */
  readonly chain: readonly Uint8Array[]
  /**
   * The handshake resumed an earlier one: the certificate is that of the first handshake, and the
   * chain, which no TLS session keeps, is empty.
   */
  readonly isResumed?: boolean
}

/** What a device or module shows for itself: a token, or a certificate and no token. */
export interface Proof {
  /** The text of a shared access signature; empty when there is none. */
  readonly token: string
  /** Counts only without a token. */
  readonly certificate?: ClientCertificate | undefined
}
