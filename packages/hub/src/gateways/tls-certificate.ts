import { TLSSocket, type TlsOptions } from 'node:tls'
import { MAX_CHAIN_CERTIFICATES } from '../registry/certificate-chain.ts'
import type { ClientCertificate } from '../registry/client-certificate.ts'
import { isWeakSuite, type WeakTls } from '../sessions/weak-tls.ts'

/**
 * How a listener asks for client certificates: devices with keys present none, and which certificate
 * opens what is decided by the registry, not by TLS (06 §5). Without CAs of its own TLS names none to
 * clients, so they may present any, and spends no time on looking for one.
 */
export const CLIENT_CERTIFICATES = {
  requestCert: true,
  rejectUnauthorized: false,
  ca: [],
} as const satisfies TlsOptions

/**
 * The certificate that the other end of a TLS connection has proven to hold, or `undefined`. It
 * survives resumption: it is part of the session that the ticket carries under the server's own key.
 *
 * @param socket  of a listener with `CLIENT_CERTIFICATES`, after the handshake
 */
export function tlsCertificate(socket: unknown): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const leaf = socket.getPeerX509Certificate()
  if (!leaf) return undefined
  const chain: Uint8Array[] = []
  let issuer = leaf.issuerCertificate
  while (issuer && chain.length < MAX_CHAIN_CERTIFICATES) {
    chain.push(issuer.raw)
    issuer = issuer.issuerCertificate
  }
  return { raw: leaf.raw, chain, isResumed: socket.isSessionReused() }
}

/**
 * What is weak about a TLS connection, after its handshake. Every suite of TLS 1.3 is good, and listeners
 * take nothing below 1.2, so that only the suite of a connection with 1.2 is asked for.
 */
export function weakTlsOf(socket: unknown): WeakTls | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const protocol = socket.getProtocol()
  // `null`: it is gone already.
  if (protocol === null || protocol === 'TLSv1.3') return undefined
  const { standardName: suite } = socket.getCipher()
  return protocol !== 'TLSv1.2' || isWeakSuite(suite) ? { protocol, suite } : undefined
}
