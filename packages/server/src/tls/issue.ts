import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** A certificate and its private key, as PEM. */
export interface KeyAndCertificate {
  readonly certificate: string
  readonly key: string
}

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const CA_DAYS = 3650
/** Browsers and phones refuse server certificates that are valid for longer. */
const SERVER_DAYS = 397
const DAY_MS = 24 * 3600_000
/** Clocks of devices run behind; a certificate must not be "not yet valid" to them. */
const BACKDATE_MS = DAY_MS

cryptoProvider.set(webcrypto)

/** Makes a private CA: it signs the server's certificates and nothing else. */
export async function issueCa(nowMs: number, name: string): Promise<KeyAndCertificate> {
  const keys = await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${name}`,
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(nowMs + CA_DAYS * DAY_MS),
    signingAlgorithm: ECDSA,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await pemKey(keys.privateKey) }
}

/** Makes a server certificate for the names and addresses, signed by the CA. */
export async function issueServer(
  ca: KeyAndCertificate,
  names: readonly [string, ...string[]],
  nowMs: number,
): Promise<KeyAndCertificate> {
  const keys = await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
  const issuer = new X509Certificate(ca.certificate)
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${names[0]}`,
    issuer: issuer.subject,
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(nowMs + SERVER_DAYS * DAY_MS),
    signingAlgorithm: ECDSA,
    publicKey: keys.publicKey,
    signingKey: await importKey(ca.key),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map(generalName)),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await pemKey(keys.privateKey) }
}

function generalName(name: string): JsonGeneralName {
  return isIP(name) ? { type: 'ip', value: name } : { type: 'dns', value: name }
}

/** 16 random bytes, positive. */
function serialNumber(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)))
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01
  return bytes.toString('hex')
}

async function pemKey(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key)
  return PemConverter.encode(pkcs8, 'PRIVATE KEY')
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [pkcs8] = PemConverter.decode(pem)
  if (!pkcs8) throw new Error('The CA key is not PEM.')
  return webcrypto.subtle.importKey('pkcs8', pkcs8, ECDSA, false, ['sign'])
}
