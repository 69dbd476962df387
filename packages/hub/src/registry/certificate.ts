import { X509Certificate } from 'node:crypto'
import { readExtensions } from './certificate-extensions.ts'

/** A certificate and what the checks want to know of it. */
export interface Certificate {
  readonly x509: X509Certificate
  /** SHA-256 and SHA-1 of the DER, lower-case hexadecimal digits. */
  readonly sha256: string
  readonly sha1: string
  /** The one common name of the subject; `undefined` when there is none or several. */
  readonly commonName: string | undefined
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** How many certificates of authorities may come between it and a device's (RFC 5280 §4.2.1.9). */
  readonly pathLength: number
  /** Why nothing may rest on it, e.g. a critical extension that nobody here understands. */
  readonly flaw: string | undefined
}

/** Nothing that a device or an operator uses is nearly as large. */
export const MAX_CERTIFICATE_BYTES = 16 * 1024

/** Reads a certificate; `undefined` when the bytes are not one. Never throws, whatever the bytes. */
export function readCertificate(der: Uint8Array): Certificate | undefined {
  if (der.byteLength > MAX_CERTIFICATE_BYTES) return undefined
  try {
    const x509 = new X509Certificate(der)
    const extensions = readExtensions(x509.raw)
    if (!extensions) return undefined
    return {
      x509,
      sha256: digits(x509.fingerprint256),
      sha1: digits(x509.fingerprint),
      commonName: commonName(x509),
      notBeforeMs: Date.parse(x509.validFrom),
      notAfterMs: Date.parse(x509.validTo),
      ...extensions,
    }
  } catch {
    return undefined
  }
}

/** Whether `certificate` is signed by the key of `issuer`; `false` also for keys OpenSSL cannot use. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  try {
    return certificate.x509.verify(issuer.x509.publicKey)
  } catch {
    return false
  }
}

/** Whether names, key identifiers and key usage allow `issuer` to have issued it; no signature yet. */
export function isNamedIssuer(certificate: Certificate, issuer: Certificate): boolean {
  return certificate.x509.checkIssued(issuer.x509)
}

/** Several common names would leave open which of them counts, so then none does. */
function commonName(x509: X509Certificate): string | undefined {
  const name: unknown = x509.toLegacyObject().subject?.CN
  return typeof name === 'string' ? name : undefined
}

function digits(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase()
}
