import { type TSchema, Type } from 'typebox'

/** Shapes of the provisioning service's requests; unknown members and the server's own are ignored. */

function Nullable<T extends TSchema>(schema: T) {
  return Type.Optional(Type.Union([schema, Type.Null()]))
}

const Text = Nullable(Type.String({ maxLength: 1024 }))
const Section = Nullable(Type.Record(Type.String(), Type.Unknown()))

/** PEM, or base64 of DER or PEM, as `readDer` takes it. */
const Certificate = Type.Object({
  certificate: Type.String({ minLength: 1, maxLength: 64 * 1024 }),
})
const Certificates = Nullable(
  Type.Object({ primary: Certificate, secondary: Nullable(Certificate) }),
)

const settings = {
  deviceId: Text,
  attestation: Type.Object({
    type: Type.String({ maxLength: 64 }),
    symmetricKey: Nullable(Type.Object({ primaryKey: Text, secondaryKey: Text })),
    x509: Nullable(
      Type.Object({
        clientCertificates: Certificates,
        signingCertificates: Certificates,
        caReferences: Nullable(
          Type.Object({ primary: Type.String({ maxLength: 64 }), secondary: Text }),
        ),
      }),
    ),
  }),
  provisioningStatus: Text,
  allocationPolicy: Text,
  iotHubHostName: Text,
  iotHubs: Nullable(Type.Array(Type.String({ maxLength: 253 }))),
  reprovisionPolicy: Nullable(
    Type.Object({
      updateHubAssignment: Nullable(Type.Boolean()),
      migrateDeviceData: Nullable(Type.Boolean()),
    }),
  ),
  capabilities: Nullable(Type.Object({ iotEdge: Nullable(Type.Boolean()) })),
  initialTwin: Nullable(
    Type.Object({ tags: Section, properties: Nullable(Type.Object({ desired: Section })) }),
  ),
}

export const EnrollmentBody = Type.Object({ registrationId: Type.String(), ...settings })
export const GroupBody = Type.Object({ enrollmentGroupId: Type.String(), ...settings })

/** DPS's limit. */
const MAX_BULK = 10

export const BulkBody = Type.Object({
  mode: Type.String(),
  enrollments: Type.Array(
    Type.Object({ ...EnrollmentBody.properties, etag: Text, attestation: Type.Unknown() }),
    { minItems: 1, maxItems: MAX_BULK },
  ),
})

export const QueryBody = Type.Object({ query: Type.String({ maxLength: 8192 }) })
export const IdParams = Type.Object({ id: Type.String() })
