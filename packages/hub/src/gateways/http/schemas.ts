import type {} from '@fastify/swagger'
import { Type } from 'typebox'
import { identityShape } from '../../registry/import-entry.ts'

/** Shapes of the service API's requests; what is said here also makes the OpenAPI document. */

const NullableString = Type.Union([Type.String(), Type.Null()])

export const DeviceParams = Type.Object({ deviceId: Type.String() })
export const ModuleParams = Type.Object({ deviceId: Type.String(), moduleId: Type.String() })

/** A device or module identity as callers write it; server fields and unknown ones are ignored. */
export const IdentityBody = Type.Object({
  deviceId: Type.String(),
  moduleId: Type.Optional(NullableString),
  ...identityShape,
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

export const PROPERTIES_MEMBERS: ReadonlySet<string> = new Set(['desired', 'reported'])

export const TwinBody = Type.Object({
  tags: Type.Optional(Section),
  properties: Type.Optional(
    Type.Object({ desired: Type.Optional(Section), reported: Type.Optional(Type.Unknown()) }),
  ),
})
