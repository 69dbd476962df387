import { randomBytes, randomUUID } from 'node:crypto'
import { CLOCK_SKEW_MS, HubError, hubErrors, parseSas } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { Turns } from '../messages/turns.ts'
import type { Authorities } from '../registry/authorities.ts'
import { readCertificate } from '../registry/certificate.ts'
import { MAX_CHAIN_CERTIFICATES } from '../registry/certificate-chain.ts'
import type { CertificateStore } from '../registry/certificate-store.ts'
import type { ClientCertificate, Proof } from '../registry/client-certificate.ts'
import type { HostNames } from '../registry/host-names.ts'
import type { Identities } from '../registry/identities.ts'
import { leadsTo, resourceOf } from '../registry/sas-checks.ts'
import type { EtagCondition } from '../twins/etag.ts'
import { Attempts, peerKey } from './attempts.ts'
import { type Attested, attestByCertificate, attestByKey, type Candidates } from './attestation.ts'
import type { Enrollment, Registration } from './enrollment.ts'
import type { EnrollmentStore } from './enrollment-store.ts'
import { checkEtag, type Enrollments, makeEtag, tooManyWriters } from './enrollments.ts'
import { provideDevice } from './provide-device.ts'
import { isRegistrationId } from './read-enrollment.ts'

/** A device that speaks for itself. */
export interface Registrant {
  readonly idScope: string
  readonly registrationId: string
  readonly proof: Proof
  /** Of the peer, for the limit on attempts that fail. */
  readonly address: string
}

export interface RegistrationPorts {
  readonly store: EnrollmentStore
  readonly certificates: CertificateStore
  readonly authorities: Authorities
  readonly clock: Clock
  readonly log: Log
}

/** What registrations lead to. */
export interface RegistrationWork {
  readonly enrollments: Enrollments
  readonly identities: Identities
  readonly hostNames: HostNames
}

/** Refusals of one address before it has to wait; what succeeds does not count. */
const REFUSALS = { burst: 100, perSecond: 2 }
/** Requests of one registration id. */
const REQUESTS = { burst: 30, perSecond: 1 }
/** The policy that device SDKs name; no shared access policy has to do with it. */
const TOKEN_POLICY = 'registration'
/** How often a write is tried again when another writer was first. */
const MAX_ATTEMPTS = 5
const OPERATION_BYTES = 8

/** Devices that come with the credential of an enrolment and leave with an identity (11 §3). */
export class Registrations {
  readonly idScope: string
  readonly #ports: RegistrationPorts
  readonly #work: RegistrationWork
  readonly #refusals: Attempts
  readonly #requests: Attempts
  /** One registration id at a time, or two requests would both be its first. */
  readonly #turns = new Turns()

  constructor(idScope: string, ports: RegistrationPorts, work: RegistrationWork) {
    this.idScope = idScope
    this.#ports = ports
    this.#work = work
    this.#refusals = new Attempts(ports.clock, REFUSALS)
    this.#requests = new Attempts(ports.clock, REQUESTS)
  }

  /**
   * Checks what a device shows for itself. Who is refused learns nothing: neither whether the id is
   * enrolled, nor what was wrong; that is in `cause`.
   *
   * @throws {HubError} `IotHubUnauthorizedAccess`; `ThrottlingException` when this address, or this
   *   registration id, asks too often
   */
  async attest(registrant: Registrant): Promise<Attested> {
    const peer = peerKey(registrant.address)
    if (!this.#refusals.take(peer)) {
      throw new HubError('ThrottlingException', 'Too many requests were refused; wait a while.')
    }
    const attested = await this.#prove(registrant)
    if (typeof attested === 'string') {
      throw new HubError(
        'IotHubUnauthorizedAccess',
        'Unauthorized: a registration needs a token or certificate of its enrollment. ' +
          'TPM attestation is not served.',
        { cause: attested },
      )
    }
    this.#refusals.giveBack(peer)
    if (!this.#requests.take(registrant.registrationId.toLowerCase())) {
      throw new HubError('ThrottlingException', 'This registration id asks too often.')
    }
    return attested
  }

  /**
   * Gives the device its identity: created with its modules at the first time, kept or given the
   * credential of the enrolment when there is one. Registering again changes nothing unless something
   * is different.
   *
   * @throws {HubError} as `attest`; `ServiceUnavailable`
   */
  async register(registrant: Registrant): Promise<Registration> {
    const { registrationId } = registrant
    const attested = await this.attest(registrant)
    return this.#turns.run(registrationId.toLowerCase(), async () => {
      const before = await this.#ports.store.findRegistration(registrationId)
      if (!attested.enrollment.settings.isEnabled) {
        return this.#disabled(registrationId, attested, before)
      }
      return this.#assign(registrationId, attested, before)
    })
  }

  /**
   * What came of the device's registration.
   *
   * @param operationId  only of the registration of this name
   * @throws {HubError} as `attest`; `RegistrationNotFound`
   */
  async lookUp(registrant: Registrant, operationId?: string): Promise<Registration> {
    const { registrationId } = registrant
    const attested = await this.attest(registrant)
    const found = await this.#ports.store.findRegistration(registrationId)
    if (!attested.enrollment.settings.isEnabled) {
      return this.#disabled(registrationId, attested, found)
    }
    const isMeant = operationId === undefined || operationId === found?.operationId
    if (!found || !isMeant) throw notFound()
    return found
  }

  /** For services. @throws {HubError} `RegistrationNotFound` */
  async get(registrationId: string): Promise<Registration> {
    const found = await this.find(registrationId)
    if (!found) throw notFound()
    return found
  }

  find(registrationId: string): Promise<Registration | undefined> {
    return this.#ports.store.findRegistration(registrationId)
  }

  list(groupId: string, limit: number, after?: string): Promise<readonly Registration[]> {
    return this.#ports.store.listRegistrations({ kind: 'group', id: groupId }, limit, after)
  }

  /**
   * Forgets a registration; the device stays in the registry.
   *
   * @throws {HubError} `RegistrationNotFound`; `PreconditionFailed`
   */
  async remove(registrationId: string, ifMatch: EtagCondition): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const before = await this.get(registrationId)
      checkEtag(before, ifMatch)
      if (await this.#ports.store.removeRegistration(registrationId, before.etag)) return
    }
    throw tooManyWriters()
  }

  /** @returns or why not */
  async #prove({ idScope, registrationId, proof }: Registrant): Promise<Attested | string> {
    if (idScope.toLowerCase() !== this.idScope) return 'the id scope is another one'
    if (!isRegistrationId(registrationId)) return 'the registration id is malformed'
    const { enrollments } = this.#work
    const [individual, groups] = await Promise.all([
      enrollments.find('individual', registrationId),
      enrollments.groups(),
    ])
    const candidates = { registrationId, individual, groups }
    if (proof.token !== '') return this.#byToken(proof.token, candidates)
    return proof.certificate
      ? this.#byCertificate(proof.certificate, candidates)
      : 'neither a token nor a certificate'
  }

  #byToken(text: string, candidates: Candidates): Attested | string {
    const token = parseSas(text)
    if (!token) return 'what it sent is not a shared access signature'
    if (token.expiresAtMs + CLOCK_SKEW_MS < this.#ports.clock.now()) return 'token expired'
    if ((token.policyName ?? TOKEN_POLICY) !== TOKEN_POLICY) return 'the token is one of a policy'
    const { host, segments } = resourceOf(token)
    const wanted = ['registrations', candidates.registrationId]
    const isForThis = segments.length === wanted.length && leadsTo(segments, wanted, 'any case')
    if (host.toLowerCase() !== this.idScope || !isForThis)
      return 'the token is for another resource'
    return attestByKey(token, candidates) ?? 'wrong key'
  }

  async #byCertificate(
    { raw, chain, isResumed }: ClientCertificate,
    candidates: Candidates,
  ): Promise<Attested | string> {
    const { certificates, authorities, clock } = this.#ports
    const leaf = readCertificate(raw)
    if (!leaf) return 'the certificate cannot be read'
    const others = isResumed
      ? authorities.above(leaf)
      : chain.slice(0, MAX_CHAIN_CERTIFICATES).flatMap((der) => readCertificate(der) ?? [])
    const shown = { leaf, others, registered: await certificates.list(), nowMs: clock.now() }
    const attested = attestByCertificate(shown, candidates)
    if (typeof attested !== 'string' && attested.chain) {
      authorities.remember(attested.chain.intermediates)
    }
    return attested
  }

  async #assign(
    registrationId: string,
    { enrollment, authentication }: Attested,
    before: Registration | undefined,
  ): Promise<Registration> {
    const { settings } = enrollment
    const assigned = before?.status === 'assigned' ? before : undefined
    const isOfThis = assigned !== undefined && isSameEnrollment(assigned, enrollment)
    if (isOfThis && !settings.updateHubAssignment) return assigned
    const deviceId = settings.deviceId ?? before?.registrationId ?? registrationId
    const assignedHub = this.#work.hostNames.primary
    const next = { registrationId: before?.registrationId ?? registrationId, deviceId, assignedHub }
    try {
      const device = { ...settings, deviceId, authentication }
      const isChanged = await provideDevice(this.#work.identities, device)
      const isSame = assigned?.deviceId === deviceId && assigned.assignedHub === assignedHub
      if (isOfThis && isSame && !isChanged) return assigned
    } catch (error) {
      const isForGood = error instanceof HubError && hubErrors[error.code].status < 429
      if (!isForGood) throw error
      const { number } = hubErrors[error.code]
      const failure = { number, message: error.message }
      return this.#save(enrollment, { ...next, status: 'failed', error: failure }, before)
    }
    return this.#save(enrollment, { ...next, status: 'assigned', error: null }, before)
  }

  async #save(
    { kind, id }: Enrollment,
    outcome: Pick<Registration, 'registrationId' | 'deviceId' | 'assignedHub' | 'status' | 'error'>,
    before: Registration | undefined,
  ): Promise<Registration> {
    const nowMs = this.#ports.clock.now()
    const next: Registration = {
      ...outcome,
      enrollment: { kind, id },
      operationId: `5.${randomBytes(OPERATION_BYTES).toString('hex')}.${randomUUID()}`,
      etag: makeEtag(),
      createdMs: before?.createdMs ?? nowMs,
      updatedMs: nowMs,
    }
    if (await this.#ports.store.saveRegistration(next)) {
      const { status, deviceId, registrationId, error } = next
      const fields = { registrationId, deviceId, kind, enrollment: id }
      if (status === 'assigned') this.#ports.log.info(fields, 'a device was provisioned')
      else this.#ports.log.warn({ ...fields, reason: error?.message }, 'a registration failed')
      return next
    }
    throw new HubError('IotHubUnauthorizedAccess', 'Unauthorized: the enrollment is gone.')
  }

  /** What a device of a disabled enrolment is told, whatever is known of it. */
  #disabled(
    registrationId: string,
    { enrollment }: Attested,
    before: Registration | undefined,
  ): Registration {
    const { kind, id, etag, updatedMs } = enrollment
    return {
      ...{ registrationId, enrollment: { kind, id }, status: 'disabled', error: null },
      deviceId: before?.deviceId ?? '',
      assignedHub: '',
      operationId: before?.operationId ?? `5.0.${randomUUID()}`,
      etag: before?.etag ?? etag,
      createdMs: before?.createdMs ?? updatedMs,
      updatedMs,
    }
  }
}

function isSameEnrollment({ enrollment }: Registration, { kind, id }: Enrollment): boolean {
  return enrollment.kind === kind && enrollment.id.toLowerCase() === id.toLowerCase()
}

function notFound(): HubError {
  return new HubError('RegistrationNotFound', 'Registration not found.')
}
