import type {} from '@fastify/swagger'
import { Type } from 'typebox'

/** Shapes of the service API's requests; what is said here also makes the OpenAPI document. */

const NullableString = Type.Union([Type.String(), Type.Null()])

export const DeviceParams = Type.Object({ deviceId: Type.String() })
export const ModuleParams = Type.Object({ deviceId: Type.String(), moduleId: Type.String() })

const Authentication = Type.Object({
  type: Type.Optional(NullableString),
  symmetricKey: Type.Optional(
    Type.Union([
      Type.Object({
        primaryKey: Type.Optional(NullableString),
        secondaryKey: Type.Optional(NullableString),
      }),
      Type.Null(),
    ]),
  ),
  x509Thumbprint: Type.Optional(
    Type.Union([
      Type.Object({
        primaryThumbprint: Type.Optional(NullableString),
        secondaryThumbprint: Type.Optional(NullableString),
      }),
      Type.Null(),
    ]),
  ),
})

/** A device or module identity as callers write it; server fields and unknown ones are ignored. */
export const IdentityBody = Type.Object({
  deviceId: Type.String(),
  moduleId: Type.Optional(NullableString),
  status: Type.Optional(NullableString),
  statusReason: Type.Optional(NullableString),
  authentication: Type.Optional(Type.Union([Authentication, Type.Null()])),
  capabilities: Type.Optional(
    Type.Union([Type.Object({ iotEdge: Type.Optional(Type.Boolean()) }), Type.Null()]),
  ),
  managedBy: Type.Optional(NullableString),
})

const Section = Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()])

/** Members of a twin that only the hub writes: SDKs send them back, so they are let pass (02 §3). */
const READ_ONLY_TWIN_MEMBERS = [
  'deviceId',
  'moduleId',
  'modelId',
  'etag',
  'deviceEtag',
  'status',
  'statusReason',
  'statusUpdateTime',
  'connectionState',
  'lastActivityTime',
  'cloudToDeviceMessageCount',
  'authenticationType',
  'x509Thumbprint',
  'version',
  'capabilities',
  'configurations',
  'deviceScope',
  'parentScopes',
]

export const TWIN_MEMBERS: ReadonlySet<string> = new Set([
  ...READ_ONLY_TWIN_MEMBERS,
  'tags',
  'properties',
])

export const TwinBody = Type.Object({
  tags: Type.Optional(Section),
  properties: Type.Optional(
    Type.Object({ desired: Type.Optional(Section), reported: Type.Optional(Type.Unknown()) }),
  ),
})
