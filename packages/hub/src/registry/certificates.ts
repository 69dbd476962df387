import { randomBytes } from 'node:crypto'
import { HubError } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import { type EtagCondition, etagMatches, formatIdentityEtag } from '../twins/etag.ts'
import {
  type Certificate,
  isNamedIssuer,
  isSignedBy,
  MAX_CERTIFICATE_BYTES,
  readCertificate,
} from './certificate.ts'
import { dateFlaw } from './certificate-chain.ts'
import {
  type CertificateStore,
  MAX_CERTIFICATES,
  type RegisteredCertificate,
} from './certificate-store.ts'

/** What a caller may say of a CA that is registered. */
export interface CertificateWrite {
  /** DER. */
  readonly raw: Uint8Array
  /** The caller vouches for it: no proof of possession is needed. Default false. */
  readonly isVerified?: boolean
}

interface CertificatePorts {
  readonly certificates: CertificateStore
  readonly bus: EventBus
  readonly clock: Clock
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9\-._]{0,63}$/
/** As many hexadecimal digits as IoT Hub's codes have, and all that a common name may hold with room. */
const CODE_BYTES = 24
/** How often a write is tried again when another writer was first. */
const MAX_ATTEMPTS = 5

/** The registered CAs: how they come, prove themselves and go (06 §5). */
export class Certificates {
  readonly #store: CertificateStore
  readonly #bus: EventBus
  readonly #clock: Clock

  constructor({ certificates, bus, clock }: CertificatePorts) {
    this.#store = certificates
    this.#bus = bus
    this.#clock = clock
  }

  list(): Promise<readonly RegisteredCertificate[]> {
    return this.#store.list()
  }

  /** @throws {HubError} `CertificateNotFound` */
  async get(name: string): Promise<RegisteredCertificate> {
    const found = await this.#store.find(name)
    if (!found) throw new HubError('CertificateNotFound', `No certificate ${name.slice(0, 64)}.`)
    return found
  }

  /**
   * Registers a CA, or with `ifMatch` replaces one; devices of a CA that is replaced or no longer
   * verified are disconnected.
   *
   * @throws {HubError} `ArgumentInvalid` for a name or certificate that cannot be registered;
   *   `PreconditionFailed` for a name that exists, without its etag; `CertificateNotFound`;
   *   `GenericConflict` for a certificate that has another name already; `InvalidOperation` when
   *   there are `MAX_CERTIFICATES`
   */
  async put(
    name: string,
    { raw, isVerified = false }: CertificateWrite,
    ifMatch: EtagCondition,
  ): Promise<RegisteredCertificate> {
    const nowMs = this.#clock.now()
    if (!NAME.test(name)) {
      throw new HubError(
        'ArgumentInvalid',
        'A certificate name is 1 to 64 letters, digits, - . _ and begins with a letter or digit.',
      )
    }
    checkAuthority(raw, nowMs)
    if (ifMatch !== undefined) {
      return this.#change(name, ifMatch, () => ({ raw, isVerified, verificationCode: null }))
    }
    const certificate: RegisteredCertificate = {
      name,
      etag: 1 + randomBytes(4).readUInt32BE(0),
      raw,
      isVerified,
      verificationCode: null,
      createdMs: nowMs,
      updatedMs: nowMs,
    }
    const outcome = await this.#store.insert(certificate)
    if (outcome === 'inserted') return certificate
    if (outcome === 'full') {
      throw new HubError('InvalidOperation', `A hub holds ${MAX_CERTIFICATES} CA certificates.`)
    }
    if (!(await this.#store.find(name))) throw duplicate()
    throw new HubError(
      'PreconditionFailed',
      `There is a certificate ${name}: replace it with If-Match.`,
    )
  }

  /**
   * Makes a new verification code: a certificate with this common name, signed by the CA, proves that
   * the caller has its key. The certificate becomes unverified only by `put`.
   *
   * @throws {HubError} `CertificateNotFound`; `PreconditionFailed`
   */
  requestProof(name: string, ifMatch: EtagCondition): Promise<RegisteredCertificate> {
    const verificationCode = randomBytes(CODE_BYTES).toString('hex').toUpperCase()
    return this.#change(name, ifMatch, () => ({ verificationCode }))
  }

  /**
   * Takes the proof of possession: the CA is verified from now on.
   *
   * @param proof  DER
   * @throws {HubError} `ArgumentInvalid` that says what is wrong with the proof;
   *   `CertificateNotFound`; `PreconditionFailed`
   */
  verify(name: string, proof: Uint8Array, ifMatch: EtagCondition): Promise<RegisteredCertificate> {
    const nowMs = this.#clock.now()
    return this.#change(name, ifMatch, (before) => {
      checkProof(before, readCertificate(proof), nowMs)
      return { isVerified: true, verificationCode: null }
    })
  }

  /**
   * Forgets a CA; its devices are disconnected.
   *
   * @throws {HubError} `CertificateNotFound`; `PreconditionFailed`, also when `ifMatch` is absent
   */
  async remove(name: string, ifMatch: EtagCondition): Promise<void> {
    if (ifMatch === undefined) {
      throw new HubError('PreconditionFailed', 'A delete needs an If-Match header: missing ETag.')
    }
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const before = await this.get(name)
      checkEtag(before, ifMatch)
      if (!(await this.#store.remove(name, before.etag))) continue
      this.#tellRevoked(before)
      return
    }
    throw tooManyWriters()
  }

  async #change(
    name: string,
    ifMatch: EtagCondition,
    decide: (before: RegisteredCertificate) => Partial<RegisteredCertificate>,
  ): Promise<RegisteredCertificate> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const before = await this.get(name)
      checkEtag(before, ifMatch)
      const next = {
        ...before,
        ...decide(before),
        etag: before.etag + 1,
        updatedMs: this.#clock.now(),
      }
      const outcome = await this.#store.replace(next, before.etag)
      if (outcome === 'taken') throw duplicate()
      if (outcome === 'changed') continue
      const isSame = Buffer.compare(before.raw, next.raw) === 0
      if (!isSame || !next.isVerified) this.#tellRevoked(before)
      return next
    }
    throw tooManyWriters()
  }

  #tellRevoked({ raw, isVerified }: RegisteredCertificate): void {
    const certificate = isVerified ? readCertificate(raw) : undefined
    if (!certificate) return
    this.#bus.publish({ kind: 'authority-revoked', authorityId: certificate.sha256 })
  }
}

function checkAuthority(raw: Uint8Array, nowMs: number): void {
  const certificate = readCertificate(raw)
  const flaw = certificate ? authorityFlaw(certificate, nowMs) : UNREADABLE
  if (flaw !== undefined) throw new HubError('ArgumentInvalid', `certificate: ${flaw}.`)
}

const UNREADABLE = `not one X.509 certificate of at most ${MAX_CERTIFICATE_BYTES / 1024} KiB`

function authorityFlaw(certificate: Certificate, nowMs: number): string | undefined {
  if (!certificate.x509.ca) {
    return 'not a CA certificate: it needs basic constraints with CA true and, if it has key usage, keyCertSign'
  }
  return certificate.flaw ?? dateFlaw(certificate, nowMs)
}

function checkProof(
  { raw, verificationCode }: RegisteredCertificate,
  proof: Certificate | undefined,
  nowMs: number,
): void {
  const authority = readCertificate(raw)
  const flaw = (() => {
    if (verificationCode === null) return 'generate a verification code first'
    if (!proof || !authority) return UNREADABLE
    if (proof.commonName !== verificationCode) return 'its common name is not the verification code'
    const isIssued = isNamedIssuer(proof, authority) && isSignedBy(proof, authority)
    return isIssued ? dateFlaw(proof, nowMs) : 'it is not signed by the registered CA'
  })()
  if (flaw !== undefined) throw new HubError('ArgumentInvalid', `certificate: ${flaw}.`)
}

function checkEtag({ etag }: RegisteredCertificate, ifMatch: EtagCondition): void {
  if (etagMatches(ifMatch, formatIdentityEtag(etag))) return
  throw new HubError('PreconditionFailed', 'PreconditionFailed, ETag may be invalid.')
}

function duplicate(): HubError {
  return new HubError('GenericConflict', 'This certificate is registered under another name.')
}

function tooManyWriters(): HubError {
  return new HubError('ServiceUnavailable', 'The certificate changes too often; try again.')
}
