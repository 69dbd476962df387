import { randomBytes, webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

/** What a TLS server on `localhost` needs, and what its clients must trust. PEM. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 24 * 3600_000

x509.cryptoProvider.set(webcrypto)

/** For tests that make odd certificates: it must not be loaded before its polyfill. */
export { x509 }

/** A self-signed certificate that is its own authority, valid for a day. */
export async function makeCertificate(): Promise<TestCertificate> {
  const { cert, key } = await issue('localhost', {
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  })
  return { cert, key, ca: cert }
}

/** A certificate with its key, as a device or an authority holds them. */
export interface IssuedCertificate {
  /** PEM. */
  readonly cert: string
  readonly key: string
  readonly der: Uint8Array
  readonly subject: string
  readonly keys: webcrypto.CryptoKeyPair
}

export interface IssueOptions {
  /** Without one it signs itself. */
  readonly issuer?: IssuedCertificate | undefined
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly extensions?: readonly x509.Extension[]
  /** In place of `CN=` and the name. */
  readonly subject?: string
}

export async function issue(name: string, options: IssueOptions = {}): Promise<IssuedCertificate> {
  const { issuer, extensions = [], subject = `CN=${escapeName(name)}` } = options
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `01${randomBytes(8).toString('hex')}`,
    subject,
    issuer: issuer?.subject ?? subject,
    notBefore: options.notBefore ?? new Date(Date.now() - DAY_MS),
    notAfter: options.notAfter ?? new Date(Date.now() + DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    extensions: [...extensions],
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    cert: certificate.toString('pem'),
    key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
    der: new Uint8Array(certificate.rawData),
    subject,
    keys,
  }
}

/** An authority; `pathLength` as in its basic constraints. */
export function issueAuthority(
  name: string,
  { pathLength, extensions = [], ...options }: IssueOptions & { readonly pathLength?: number } = {},
): Promise<IssuedCertificate> {
  const constraints = new x509.BasicConstraintsExtension(true, pathLength, true)
  return issue(name, { ...options, extensions: [constraints, ...extensions] })
}

/** A common name as it stands in a distinguished name. */
function escapeName(name: string): string {
  return name.replace(/[,+"\\<>;=#]/g, '\\$&')
}
