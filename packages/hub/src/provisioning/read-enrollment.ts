import { HubError, type JsonObject, MAX_PROPERTIES_BYTES, MAX_TAGS_BYTES } from '@twinward/protocol'
import { makeKey, resolveAuthentication } from '../registry/authentication.ts'
import { readCertificate } from '../registry/certificate.ts'
import { emptySection, patchTags, replaceSection } from '../twins/patch.ts'
import {
  type Attestation,
  type Enrollment,
  type EnrollmentKind,
  type EnrollmentSettings,
  MAX_LINKED_HUBS,
} from './enrollment.ts'

/** Two certificates (DER) or names of CAs. */
export interface Pair<T> {
  readonly primary: T
  readonly secondary?: T | null
}

/** `attestation` as callers write it; the member that goes with `type` counts. */
export interface AttestationWrite {
  readonly type: string
  readonly symmetricKey?: {
    readonly primaryKey?: string | null
    readonly secondaryKey?: string | null
  } | null
  readonly clientCertificates?: Pair<Uint8Array> | null
  readonly signingCertificates?: Pair<Uint8Array> | null
  readonly caReferences?: Pair<string> | null
}

/** What a caller may set of an enrolment; what is absent gets its default, on update too. */
export interface EnrollmentWrite {
  readonly deviceId?: string | null
  readonly attestation: AttestationWrite
  readonly provisioningStatus?: string | null
  readonly allocationPolicy?: string | null
  readonly iotHubHostName?: string | null
  readonly iotHubs?: readonly string[] | null
  readonly reprovisionPolicy?: {
    readonly updateHubAssignment?: boolean | null
    readonly migrateDeviceData?: boolean | null
  } | null
  readonly iotEdge?: boolean
  readonly initialTwin?: { readonly tags?: JsonObject; readonly desired?: JsonObject } | null
}

/** What a write is judged against. */
export interface Surroundings {
  /** Whether a name is this hub's: no other can be assigned to. */
  readonly isOwnHub: (hostName: string) => boolean
  readonly nowMs: number
}

const ID = /^[A-Za-z0-9_.:-]{1,128}$/
const POLICIES = ['hashed', 'geoLatency', 'static']

/** Registration ids, and by the same rule the names of groups (11 §3.1). */
export function isRegistrationId(id: string): boolean {
  return ID.test(id)
}

/**
 * @param before  the enrolment that is replaced: keys that are not given stay as they are, because
 *   reading an enrolment does not show them
 * @throws {HubError} `ArgumentInvalid` that names the member
 */
export function readEnrollment(
  { kind, id }: Pick<Enrollment, 'kind' | 'id'>,
  write: EnrollmentWrite,
  before: Enrollment | undefined,
  { isOwnHub, nowMs }: Surroundings,
): EnrollmentSettings {
  if (!isRegistrationId(id)) {
    const what = kind === 'group' ? 'enrollmentGroupId' : 'registrationId'
    throw invalid(`${what} must be 1 to 128 letters, digits or - . _ :`)
  }
  const deviceId = write.deviceId || null
  if (kind === 'group' && deviceId !== null)
    throw invalid('deviceId is for one device, not a group')
  if (deviceId !== null && !/^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}$/.test(deviceId)) {
    throw invalid('deviceId is not a valid device id')
  }
  const iotHubs = write.iotHubs ?? null
  if (iotHubs && iotHubs.length > MAX_LINKED_HUBS) throw invalid('iotHubs are too many')
  const iotHubHostName = write.iotHubHostName || null
  for (const name of [...(iotHubs ?? []), ...(iotHubHostName === null ? [] : [iotHubHostName])]) {
    if (!isOwnHub(name)) throw invalid(`the hub '${name.slice(0, 253)}' is not linked`)
  }
  const { updateHubAssignment, migrateDeviceData } = write.reprovisionPolicy ?? {}
  return {
    deviceId,
    attestation: readAttestation(kind, write.attestation, before?.settings.attestation),
    isEnabled: readStatus(write.provisioningStatus),
    allocationPolicy: readPolicy(write.allocationPolicy),
    iotHubHostName,
    iotHubs,
    updateHubAssignment: updateHubAssignment ?? true,
    migrateDeviceData: migrateDeviceData ?? true,
    iotEdge: write.iotEdge ?? false,
    initialTwin: write.initialTwin ? readTwin(write.initialTwin, nowMs) : null,
  }
}

function readStatus(status: string | null | undefined): boolean {
  const text = status?.toLowerCase() || 'enabled'
  if (text === 'enabled' || text === 'disabled') return text === 'enabled'
  throw invalid("provisioningStatus must be 'enabled' or 'disabled'")
}

function readPolicy(policy: string | null | undefined): string {
  if (!policy) return 'hashed'
  const known = POLICIES.find((name) => name.toLowerCase() === policy.toLowerCase())
  if (known !== undefined) return known
  throw invalid(`allocationPolicy must be one of ${POLICIES.join(', ')}; custom is not served`)
}

function readTwin(
  { tags = {}, desired = {} }: NonNullable<EnrollmentWrite['initialTwin']>,
  nowMs: number,
): NonNullable<EnrollmentSettings['initialTwin']> {
  // As the registry will judge it: better now than when the first device comes.
  patchTags({}, tags, MAX_TAGS_BYTES)
  replaceSection(emptySection(nowMs), desired, nowMs, MAX_PROPERTIES_BYTES)
  return { tags, desired }
}

function readAttestation(
  kind: EnrollmentKind,
  write: AttestationWrite,
  before: Attestation | undefined,
): Attestation {
  switch (write.type.toLowerCase()) {
    case 'symmetrickey':
      return readKeys(write.symmetricKey ?? {}, before)
    case 'x509':
      return readX509(kind, write)
    case 'tpm':
      throw invalid('attestation.type tpm is not served; use symmetricKey or x509')
    default:
      throw invalid('attestation.type must be symmetricKey or x509')
  }
}

function readKeys(
  { primaryKey, secondaryKey }: NonNullable<AttestationWrite['symmetricKey']>,
  before: Attestation | undefined,
): Attestation {
  if (!primaryKey && !secondaryKey && before?.type === 'symmetricKey') return before
  const symmetricKey = {
    primaryKey: primaryKey || makeKey(),
    secondaryKey: secondaryKey || makeKey(),
  }
  // The rules of a device's keys, because that is what an individual's become.
  resolveAuthentication({ type: 'sas', symmetricKey }, { deviceId: '' })
  return { type: 'symmetricKey', ...symmetricKey }
}

function readX509(
  kind: EnrollmentKind,
  { clientCertificates, signingCertificates, caReferences }: AttestationWrite,
): Attestation {
  const given = [clientCertificates, signingCertificates, caReferences].filter((pair) => pair)
  if (given.length !== 1) {
    throw invalid(
      'attestation.x509 needs one of clientCertificates, signingCertificates and caReferences',
    )
  }
  if (caReferences) {
    const { primary, secondary } = caReferences
    if (primary === '') throw invalid('attestation.x509.caReferences.primary is empty')
    return { type: 'authority', primary, secondary: secondary || null }
  }
  if (kind === 'group') {
    if (signingCertificates) return readCertificates('signing', signingCertificates)
    throw invalid('a group needs attestation.x509.signingCertificates or caReferences')
  }
  if (clientCertificates) return readCertificates('client', clientCertificates)
  throw invalid(
    'an individual enrollment needs attestation.x509.clientCertificates or caReferences',
  )
}

function readCertificates(
  type: 'client' | 'signing',
  { primary, secondary }: Pair<Uint8Array>,
): Attestation {
  return {
    type,
    primary: checkCertificate(`${type}Certificates.primary`, type, primary),
    secondary: secondary
      ? checkCertificate(`${type}Certificates.secondary`, type, secondary)
      : null,
  }
}

/** @returns base64 of the DER */
function checkCertificate(name: string, type: 'client' | 'signing', raw: Uint8Array): string {
  const certificate = readCertificate(raw)
  if (!certificate) throw invalid(`attestation.x509.${name} is not an X.509 certificate`)
  if (type === 'signing' && !certificate.x509.ca) {
    throw invalid(`attestation.x509.${name} is not the certificate of a CA`)
  }
  return Buffer.from(raw).toString('base64')
}

function invalid(text: string): HubError {
  return new HubError('ArgumentInvalid', `${text}.`)
}
