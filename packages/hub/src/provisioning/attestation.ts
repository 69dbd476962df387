import { createHash, createHmac } from 'node:crypto'
import type { SasToken } from '@twinward/protocol'
import type { AuthenticationWrite } from '../registry/authentication.ts'
import { type Certificate, readCertificate } from '../registry/certificate.ts'
import { type Chain, dateFlaw, findChain } from '../registry/certificate-chain.ts'
import type { RegisteredCertificate } from '../registry/certificate-store.ts'
import { type KeyPair, signingKey } from '../registry/sas-checks.ts'
import type { Attestation, Enrollment } from './enrollment.ts'

/** A device has proven to belong to an enrolment. */
export interface Attested {
  readonly enrollment: Enrollment
  /** What it will connect to the hub with. */
  readonly authentication: AuthenticationWrite
}

/** Who may have proven it: the individual of this registration id, or without one any group. */
export interface Candidates {
  readonly registrationId: string
  readonly individual: Enrollment | undefined
  readonly groups: readonly Enrollment[]
}

/** Stands in where there is no key, so that the answer takes as long as with one. */
const DECOY: KeyPair = { primaryKey: 'AAAA', secondaryKey: 'AAAA' }

/** The key of a device of a group: base64 of HMAC-SHA256 over its registration id (11 §3.1). */
export function deriveKey(groupKeyBase64: string, registrationId: string): string {
  const key = Buffer.from(groupKeyBase64, 'base64')
  return createHmac('sha256', key).update(registrationId).digest('base64')
}

/**
 * Finds out whose key signed a token. It does the same work whether or not there is an individual
 * enrolment of this id and whichever group it is: the time tells nothing to who guesses.
 */
export function attestByKey(token: SasToken, candidates: Candidates): Attested | undefined {
  const { registrationId, individual, groups } = candidates
  const own = keysOf(individual)
  const isOwn = signingKey(token, own ?? DECOY) !== undefined && own !== undefined
  let attested: Attested | undefined
  for (const group of groups) {
    const keys = keysOf(group)
    if (!keys) continue
    const derived = {
      primaryKey: deriveKey(keys.primaryKey, registrationId),
      secondaryKey: deriveKey(keys.secondaryKey, registrationId),
    }
    const isSigned = signingKey(token, derived) !== undefined
    if (isSigned && !attested) attested = { enrollment: group, ...byKeys(derived) }
  }
  // An individual enrolment takes its device out of all groups, also when it is disabled.
  if (!individual) return attested
  return isOwn && own ? { enrollment: individual, ...byKeys(own) } : undefined
}

function keysOf(enrollment: Enrollment | undefined): KeyPair | undefined {
  const attestation = enrollment?.settings.attestation
  return attestation?.type === 'symmetricKey' ? attestation : undefined
}

function byKeys({ primaryKey, secondaryKey }: KeyPair): Pick<Attested, 'authentication'> {
  return { authentication: { type: 'sas', symmetricKey: { primaryKey, secondaryKey } } }
}

/** A certificate that a peer has shown, and what may stand between it and a CA. */
export interface Shown {
  readonly leaf: Certificate
  readonly others: readonly Certificate[]
  readonly registered: readonly RegisteredCertificate[]
  readonly nowMs: number
}

/**
 * Finds out to whom a certificate belongs. The hub gets its thumbprint, as from DPS, so a device with a
 * new certificate registers again before it connects.
 *
 * As `attestByKey` it looks through the groups also where an individual enrolment decides.
 *
 * @returns the chain too when there is one; or why not
 */
export function attestByCertificate(shown: Shown, candidates: Candidates): CertificateProof {
  const { registrationId, individual, groups } = candidates
  const attested = byChain(shown, registrationId, groups)
  if (!individual) return attested
  const { attestation } = individual.settings
  return attestation.type === 'client'
    ? byOwnCertificate(shown, individual, attestation)
    : byChain(shown, registrationId, [individual])
}

type CertificateProof = (Attested & { readonly chain?: Chain }) | string

function byChain(
  { leaf, others, registered, nowMs }: Shown,
  registrationId: string,
  enrollments: readonly Enrollment[],
): CertificateProof {
  // The common name of who a CA speaks for is the registration id (11 §3.1).
  if (leaf.commonName?.toLowerCase() !== registrationId.toLowerCase()) {
    return 'the common name of the certificate is not the registration id'
  }
  const anchors = anchorsOf(enrollments, registered)
  const chain = findChain(leaf, others, [...anchors.keys()], nowMs)
  if (typeof chain === 'string') return chain
  const enrollment = anchors.get(chain.authority)
  if (!enrollment) return 'no enrollment has this CA'
  return { enrollment, chain, ...byThumbprints(leaf.sha256, null) }
}

function byOwnCertificate(
  { leaf, nowMs }: Shown,
  enrollment: Enrollment,
  { primary, secondary }: Pick<Extract<Attestation, { type: 'client' }>, 'primary' | 'secondary'>,
): CertificateProof {
  const [first, second] = [thumbprint(primary), secondary === null ? null : thumbprint(secondary)]
  if (leaf.sha256 !== first && leaf.sha256 !== second) return 'the certificate is another one'
  const flaw = dateFlaw(leaf, nowMs)
  return flaw ?? { enrollment, ...byThumbprints(first, second) }
}

function thumbprint(derBase64: string): string {
  return createHash('sha256').update(Buffer.from(derBase64, 'base64')).digest('hex')
}

function byThumbprints(
  primary: string,
  secondary: string | null,
): Pick<Attested, 'authentication'> {
  const x509Thumbprint = {
    primaryThumbprint: primary.toUpperCase(),
    secondaryThumbprint: secondary?.toUpperCase() ?? null,
  }
  return { authentication: { type: 'selfSigned', x509Thumbprint } }
}

/** The certificates that end a chain, each with its enrolment; of two, the first in order has it. */
function anchorsOf(
  enrollments: readonly Enrollment[],
  registered: readonly RegisteredCertificate[],
): ReadonlyMap<Certificate, Enrollment> {
  const anchors = new Map<Certificate, Enrollment>()
  for (const enrollment of enrollments) {
    const { attestation } = enrollment.settings
    if (attestation.type === 'signing') {
      for (const certificate of signersOf(enrollment)) anchors.set(certificate, enrollment)
    } else if (attestation.type === 'authority') {
      for (const certificate of verified(attestation, registered)) {
        anchors.set(certificate, enrollment)
      }
    }
  }
  return anchors
}

/** Enrolments never change, and all groups are kept: parsing each again would cost every stranger's try. */
const signers = new WeakMap<Enrollment, readonly Certificate[]>()

function signersOf(enrollment: Enrollment): readonly Certificate[] {
  const known = signers.get(enrollment)
  if (known) return known
  const { attestation } = enrollment.settings
  const ders =
    attestation.type === 'signing' ? [attestation.primary, attestation.secondary ?? ''] : []
  const parsed = ders.flatMap((der) => readCertificate(Buffer.from(der, 'base64')) ?? [])
  signers.set(enrollment, parsed)
  return parsed
}

/** The registered CAs of these names that are verified. */
function verified(
  { primary, secondary }: Extract<Attestation, { type: 'authority' }>,
  registered: readonly RegisteredCertificate[],
): readonly Certificate[] {
  const names = [primary, secondary].flatMap((name) => name?.toLowerCase() ?? [])
  return registered
    .filter(({ name, isVerified }) => isVerified && names.includes(name.toLowerCase()))
    .flatMap(({ raw }) => readCertificate(raw) ?? [])
}
