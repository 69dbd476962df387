/** The certificate that a peer presented in the TLS handshake, having proven that it has its key. */
export interface ClientCertificate {
  /** DER. */
  readonly raw: Uint8Array
  /** DER of the certificates that came with it, from its issuer upwards; may be empty. */
  readonly chain: readonly Uint8Array[]
}

/** What a device or module shows for itself: a token, or a certificate and no token. */
export interface Proof {
  /** The text of a shared access signature; empty when there is none. */
  readonly token: string
  readonly certificate?: ClientCertificate | undefined
}
