import { randomBytes } from 'node:crypto'
import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { CertificateStore } from '../registry/certificate-store.ts'
import type { HostNames } from '../registry/host-names.ts'
import { type EtagCondition, etagMatches } from '../twins/etag.ts'
import {
  type Enrollment,
  type EnrollmentKind,
  type EnrollmentSettings,
  MAX_ENROLLMENT_GROUPS,
  MAX_ENROLLMENTS,
} from './enrollment.ts'
import type { EnrollmentStore } from './enrollment-store.ts'
import { type EnrollmentWrite, readEnrollment } from './read-enrollment.ts'

interface EnrollmentPorts {
  readonly enrollments: EnrollmentStore
  readonly certificates: CertificateStore
  readonly clock: Clock
}

/** How often a write is tried again when another writer was first. */
const MAX_ATTEMPTS = 5
const ETAG_BYTES = 8

/** Enrolments: how they come, change and go. */
export class Enrollments {
  readonly #store: EnrollmentStore
  readonly #certificates: CertificateStore
  readonly #clock: Clock
  readonly #hostNames: HostNames
  #groups: Promise<readonly Enrollment[]> | undefined

  constructor({ enrollments, certificates, clock }: EnrollmentPorts, hostNames: HostNames) {
    this.#store = enrollments
    this.#certificates = certificates
    this.#clock = clock
    this.#hostNames = hostNames
  }

  find(kind: EnrollmentKind, id: string): Promise<Enrollment | undefined> {
    return this.#store.find(kind, id)
  }

  /** @throws {HubError} `EnrollmentNotFound` */
  async get(kind: EnrollmentKind, id: string): Promise<Enrollment> {
    const found = await this.#store.find(kind, id)
    if (!found) throw new HubError('EnrollmentNotFound', 'Enrollment not found.')
    return found
  }

  list(kind: EnrollmentKind, limit: number, after?: string): Promise<readonly Enrollment[]> {
    return this.#store.list(kind, limit, after)
  }

  /** All groups, which every registration asks for: kept until one of them changes. */
  groups(): Promise<readonly Enrollment[]> {
    if (this.#groups) return this.#groups
    const groups = this.#store.list('group', MAX_ENROLLMENT_GROUPS)
    this.#groups = groups
    groups.catch(() => {
      if (this.#groups === groups) this.#groups = undefined
    })
    return groups
  }

  /**
   * Adds an enrolment, or with `ifMatch` replaces one. Devices that were provisioned stay as they are
   * until they register again.
   *
   * @throws {HubError} `ArgumentInvalid` that names the member; `GenericConflict` for one that exists,
   *   without its etag; `EnrollmentNotFound`; `PreconditionFailed`; `InvalidOperation` when there are
   *   as many as there may be
   */
  async put(
    { kind, id }: Pick<Enrollment, 'kind' | 'id'>,
    write: EnrollmentWrite,
    ifMatch: EtagCondition,
  ): Promise<Enrollment> {
    if (ifMatch !== undefined) return this.#replace({ kind, id }, write, ifMatch)
    const nowMs = this.#clock.now()
    const settings = await this.#read({ kind, id }, write)
    const enrollment = {
      ...{ kind, id, settings },
      ...{ etag: makeEtag(), createdMs: nowMs, updatedMs: nowMs },
    }
    const max = kind === 'group' ? MAX_ENROLLMENT_GROUPS : MAX_ENROLLMENTS
    const outcome = await this.#store.insert(enrollment, max)
    if (outcome === 'taken') {
      throw new HubError(
        'GenericConflict',
        `There is an enrollment ${id}: replace it with If-Match.`,
      )
    }
    if (outcome === 'full') {
      throw new HubError('InvalidOperation', `There are ${max} enrollments of this kind already.`)
    }
    this.#changed(kind)
    return enrollment
  }

  /**
   * Removes an enrolment and what is known of its registrations. Devices stay in the registry.
   *
   * @throws {HubError} `EnrollmentNotFound`; `PreconditionFailed`
   */
  async remove(kind: EnrollmentKind, id: string, ifMatch: EtagCondition): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const before = await this.get(kind, id)
      checkEtag(before, ifMatch)
      if (!(await this.#store.remove(kind, id, before.etag))) continue
      this.#changed(kind)
      return
    }
    throw tooManyWriters()
  }

  async #replace(
    { kind, id }: Pick<Enrollment, 'kind' | 'id'>,
    write: EnrollmentWrite,
    ifMatch: EtagCondition,
  ): Promise<Enrollment> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const before = await this.get(kind, id)
      checkEtag(before, ifMatch)
      const settings = await this.#read(before, write, before)
      const next = { ...before, settings, etag: makeEtag(), updatedMs: this.#clock.now() }
      if (!(await this.#store.replace(next, before.etag))) continue
      this.#changed(kind)
      return next
    }
    throw tooManyWriters()
  }

  async #read(
    name: Pick<Enrollment, 'kind' | 'id'>,
    write: EnrollmentWrite,
    before?: Enrollment,
  ): Promise<EnrollmentSettings> {
    const isOwnHub = (hostName: string) => this.#hostNames.matches(hostName)
    const nowMs = this.#clock.now()
    const settings = readEnrollment(name, write, before, { isOwnHub, nowMs })
    const { attestation } = settings
    if (attestation.type !== 'authority') return settings
    for (const ca of [attestation.primary, attestation.secondary]) {
      if (ca === null || (await this.#certificates.find(ca))) continue
      throw new HubError('ArgumentInvalid', `There is no registered CA ${ca.slice(0, 64)}.`)
    }
    return settings
  }

  #changed(kind: EnrollmentKind): void {
    // A reading that began before the write may lack it, so it must not be kept either.
    if (kind === 'group') this.#groups = undefined
  }
}

/** In the shape of DPS's: base64 of a quoted hexadecimal number. */
export function makeEtag(): string {
  return Buffer.from(`"${randomBytes(ETAG_BYTES).toString('hex')}"`).toString('base64')
}

export function checkEtag({ etag }: { readonly etag: string }, ifMatch: EtagCondition): void {
  if (etagMatches(ifMatch, etag)) return
  throw new HubError('PreconditionFailed', 'Precondition failed: the ETag is not the current one.')
}

export function tooManyWriters(): HubError {
  return new HubError('ServiceUnavailable', 'It changes too often; try again.')
}
