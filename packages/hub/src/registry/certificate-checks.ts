import { type DeviceRef, refKey } from '@twinward/protocol'
import type { Authorities } from './authorities.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import { dateFlaw, findChain, MAX_CHAIN_CERTIFICATES } from './certificate-chain.ts'
import type { ClientCertificate } from './client-certificate.ts'
import { BY_AUTHORITY } from './credential-ids.ts'
import { refused } from './refusals.ts'
import type { Entry } from './registry.ts'

/** What a certificate has proven of an identity. */
export interface CertificateProof {
  /** When it, or one that it rests on, runs out. */
  readonly expiresAtMs: number
  readonly credentialId: string
  readonly authorityId?: string
}

interface Circumstances {
  readonly authorities: Authorities
  readonly nowMs: number
}

/**
 * Checks the certificate of a device or module against what its identity says (06 §5). That the peer
 * holds the key, TLS has seen.
 *
 * @throws {HubError} `IotHubUnauthorized`
 */
export async function checkCertificate(
  { ref, identity }: Entry,
  presented: ClientCertificate,
  circumstances: Circumstances,
): Promise<CertificateProof> {
  const { authentication } = identity
  const leaf = readCertificate(presented.raw)
  if (!leaf) throw refused('the certificate cannot be read')
  switch (authentication.type) {
    case 'selfSigned':
      return checkThumbprint(
        leaf,
        [authentication.primaryThumbprint, authentication.secondaryThumbprint],
        circumstances.nowMs,
      )
    case 'certificateAuthority':
      return checkAuthority(ref, leaf, presented, circumstances)
    default:
      throw refused(`the identity uses ${authentication.type}`)
  }
}

/** The certificate is the registered one, by SHA-1 or SHA-256; nobody needs to have signed it. */
function checkThumbprint(
  leaf: Certificate,
  thumbprints: readonly (string | null)[],
  nowMs: number,
): CertificateProof {
  const credentialId = thumbprints
    .map((thumbprint) => thumbprint?.toLowerCase())
    .find((thumbprint) => thumbprint === leaf.sha1 || thumbprint === leaf.sha256)
  if (credentialId === undefined) {
    const [primary, secondary] = thumbprints
    throw refused(
      `Thumbprint does not match configuration: Thumbprint: SHA1Hash=${leaf.sha1}, ` +
        `SHA2Hash=${leaf.sha256}; Configuration: PrimaryThumbprint=${primary ?? ''}, ` +
        `SecondaryThumbprint=${secondary ?? ''}`,
      'thumbprint',
    )
  }
  // IoT Hub's documentation does not say; a certificate's own end is taken at its word.
  const flaw = dateFlaw(leaf, nowMs)
  if (flaw !== undefined) throw refused(flaw, expiry(leaf, nowMs))
  return { expiresAtMs: leaf.notAfterMs, credentialId }
}

async function checkAuthority(
  ref: DeviceRef,
  leaf: Certificate,
  { chain, isResumed }: ClientCertificate,
  { authorities, nowMs }: Circumstances,
): Promise<CertificateProof> {
  if (leaf.commonName !== refKey(ref)) {
    throw refused('the common name of the certificate is not the identity')
  }
  const others = isResumed ? authorities.above(leaf) : readChain(chain)
  const found = findChain(leaf, others, await authorities.list(), nowMs)
  if (typeof found === 'string') throw refused(found, expiry(leaf, nowMs))
  authorities.remember(found.intermediates)
  return {
    expiresAtMs: found.notAfterMs,
    credentialId: BY_AUTHORITY,
    authorityId: found.authority.sha256,
  }
}

/** Only of the leaf: an authority that has run out is no fault of the device. */
function expiry({ notAfterMs }: Certificate, nowMs: number): 'certExpired' | 'other' {
  return notAfterMs < nowMs ? 'certExpired' : 'other'
}

function readChain(chain: readonly Uint8Array[]): readonly Certificate[] {
  return chain.slice(0, MAX_CHAIN_CERTIFICATES).flatMap((der) => readCertificate(der) ?? [])
}
