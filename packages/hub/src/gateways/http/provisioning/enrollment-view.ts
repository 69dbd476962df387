import type { JsonObject, JsonValue } from '@twinward/protocol'
import type { Static } from 'typebox'
import type { Attestation, Enrollment, Registration } from '../../../provisioning/enrollment.ts'
import type { EnrollmentWrite, Pair } from '../../../provisioning/read-enrollment.ts'
import { readCertificate } from '../../../registry/certificate.ts'
import { registrationState } from '../../provisioning-views.ts'
import { readDer } from '../certificates.ts'
import type { EnrollmentBody, GroupBody } from './schemas.ts'

type Body = Static<typeof EnrollmentBody> | Static<typeof GroupBody>
type X509 = NonNullable<Body['attestation']['x509']>

/** @throws {HubError} `ArgumentInvalid` for a certificate that is none */
export function writeOf(body: Body): EnrollmentWrite {
  const { attestation, capabilities, initialTwin, ...rest } = body
  const { tags, properties } = initialTwin ?? {}
  const desired = properties?.desired
  const { type, symmetricKey, x509 } = attestation
  return {
    ...rest,
    attestation: { type, ...(symmetricKey && { symmetricKey }), ...(x509 && x509Of(x509)) },
    iotEdge: capabilities?.iotEdge ?? false,
    initialTwin: initialTwin
      ? {
          ...(tags && { tags: tags as JsonObject }),
          ...(desired && { desired: desired as JsonObject }),
        }
      : null,
  } as EnrollmentWrite
}

function x509Of({ clientCertificates, signingCertificates, caReferences }: X509) {
  return {
    ...(clientCertificates && { clientCertificates: readPair(clientCertificates) }),
    ...(signingCertificates && { signingCertificates: readPair(signingCertificates) }),
    ...(caReferences && { caReferences: caReferences as Pair<string> }),
  }
}

function readPair({
  primary,
  secondary,
}: NonNullable<X509['clientCertificates']>): Pair<Uint8Array> {
  return {
    primary: readDer(primary.certificate),
    ...(secondary && { secondary: readDer(secondary.certificate) }),
  }
}

export interface ViewOptions {
  /** Keys are shown to who has just written them, and to who asks for them alone. */
  readonly hasKeys?: boolean
  /** Of an individual enrolment's device. */
  readonly registration?: Registration | undefined
}

/** An enrolment as DPS shows it. */
export function enrollmentView(
  { kind, id, etag, createdMs, updatedMs, settings }: Enrollment,
  { hasKeys = false, registration }: ViewOptions = {},
): JsonObject {
  const { deviceId, iotHubHostName, iotHubs, initialTwin } = settings
  const { updateHubAssignment, migrateDeviceData } = settings
  return {
    ...(kind === 'group' ? { enrollmentGroupId: id } : { registrationId: id }),
    ...(deviceId !== null && { deviceId }),
    ...(registration && { registrationState: registrationState(registration) }),
    attestation: attestationView(settings.attestation, hasKeys),
    ...(iotHubHostName !== null && { iotHubHostName }),
    ...(iotHubs && { iotHubs }),
    ...(initialTwin && {
      initialTwin: { tags: initialTwin.tags, properties: { desired: initialTwin.desired } },
    }),
    etag,
    provisioningStatus: settings.isEnabled ? 'enabled' : 'disabled',
    createdDateTimeUtc: new Date(createdMs).toISOString(),
    lastUpdatedDateTimeUtc: new Date(updatedMs).toISOString(),
    reprovisionPolicy: { updateHubAssignment, migrateDeviceData },
    allocationPolicy: settings.allocationPolicy,
    capabilities: { iotEdge: settings.iotEdge },
  }
}

export function attestationView(attestation: Attestation, hasKeys: boolean): JsonObject {
  if (attestation.type === 'symmetricKey') {
    const { type, primaryKey, secondaryKey } = attestation
    return { type, ...(hasKeys && { symmetricKey: { primaryKey, secondaryKey } }) }
  }
  const { type, primary, secondary } = attestation
  if (type === 'authority') return { type: 'x509', x509: { caReferences: { primary, secondary } } }
  const pair = {
    primary: certificateView(primary),
    ...(secondary !== null && { secondary: certificateView(secondary) }),
  }
  const holder = type === 'client' ? 'clientCertificates' : 'signingCertificates'
  return { type: 'x509', x509: { [holder]: pair } }
}

function certificateView(derBase64: string): JsonValue {
  const certificate = readCertificate(Buffer.from(derBase64, 'base64'))
  if (!certificate) return { certificate: derBase64 }
  const { x509, sha1, sha256, notBeforeMs, notAfterMs } = certificate
  return {
    certificate: derBase64,
    info: {
      subjectName: x509.subject.replaceAll('\n', ', '),
      sha1Thumbprint: sha1.toUpperCase(),
      sha256Thumbprint: sha256.toUpperCase(),
      issuerName: x509.issuer.replaceAll('\n', ', '),
      notBeforeUtc: new Date(notBeforeMs).toISOString(),
      notAfterUtc: new Date(notAfterMs).toISOString(),
      serialNumber: x509.serialNumber,
      version: 3,
    },
  }
}
