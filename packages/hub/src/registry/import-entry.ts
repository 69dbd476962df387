import { type DeviceRef, HubError, type JsonObject } from '@twinward/protocol'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type IdentityMembers, type IdentityWrite, readIdentity } from './identity-write.ts'

const NullableString = Type.Union([Type.String(), Type.Null()])
const Section = Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()])

/** `authentication` as callers write it (01 §3). */
export const AuthenticationShape = Type.Object({
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

/** Members of an identity that a caller may set; the others are ignored. */
export const identityShape = {
  status: Type.Optional(NullableString),
  statusReason: Type.Optional(NullableString),
  authentication: Type.Optional(Type.Union([AuthenticationShape, Type.Null()])),
  capabilities: Type.Optional(
    Type.Union([
      Type.Object({ iotEdge: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])) }),
      Type.Null(),
    ]),
  ),
  managedBy: Type.Optional(NullableString),
  deviceScope: Type.Optional(NullableString),
  parentScopes: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
}

/** An entry of `POST /devices` and a line of an import file (01 §5). */
export const ImportEntryShape = Type.Object({
  id: Type.String(),
  moduleId: Type.Optional(NullableString),
  eTag: Type.Optional(NullableString),
  // Node's registry client sends identities as it got them.
  etag: Type.Optional(NullableString),
  importMode: Type.Optional(NullableString),
  ...identityShape,
  twinETag: Type.Optional(NullableString),
  tags: Type.Optional(Section),
  properties: Type.Optional(
    Type.Union([
      Type.Object({ desired: Type.Optional(Section), reported: Type.Optional(Type.Unknown()) }),
      Type.Null(),
    ]),
  ),
})

export type ImportEntryBody = Static<typeof ImportEntryShape>

const MODES = [
  'create',
  'createOrUpdate',
  'createOrUpdateIfMatchETag',
  'update',
  'updateIfMatchETag',
  'updateTwin',
  'updateTwinIfMatchETag',
  'delete',
  'deleteIfMatchETag',
] as const

export type ImportMode = (typeof MODES)[number]

/** What shall happen with one identity or its twin. */
export interface ImportEntry {
  readonly ref: DeviceRef
  readonly mode: ImportMode
  readonly write: IdentityWrite
  /** Without quotes; absent when the entry has none. */
  readonly eTag?: string
  readonly twinETag?: string
  /** Absent: these tags are not spoken of. */
  readonly tags?: JsonObject
  readonly desired?: JsonObject
}

const DEFAULT_MODE: ImportMode = 'createOrUpdate'
const validator = Compile(ImportEntryShape)

/** A value of any shape as an entry's body. @throws {HubError} `ArgumentInvalid` that names the member */
export function checkImportEntry(value: unknown): ImportEntryBody {
  if (validator.Check(value)) return value
  const [first] = validator.Errors(value)
  const where = first?.instancePath ? first.instancePath.slice(1).replaceAll('/', '.') : 'the entry'
  throw new HubError('ArgumentInvalid', `${where} ${first?.message ?? 'is not valid'}.`)
}

/** @throws {HubError} `ArgumentInvalid` for an unknown mode or status */
export function readImportEntry(body: ImportEntryBody): ImportEntry {
  const { id: deviceId, moduleId, tags } = body
  const desired = body.properties?.desired
  const eTag = readEtag(body.eTag ?? body.etag)
  const twinETag = readEtag(body.twinETag)
  return {
    ref: { deviceId, ...(moduleId && { moduleId }) },
    mode: readMode(body.importMode),
    write: readIdentity(body as IdentityMembers),
    ...(eTag !== undefined && { eTag }),
    ...(twinETag !== undefined && { twinETag }),
    ...(tags && { tags: tags as JsonObject }),
    ...(desired && { desired: desired as JsonObject }),
  }
}

/** Clients write `Update`, `update`, `UpdateIfMatchETag` (01 §5). */
function readMode(text: string | null | undefined): ImportMode {
  if (!text) return DEFAULT_MODE
  const mode = MODES.find((known) => known.toLowerCase() === text.toLowerCase())
  if (mode) return mode
  throw new HubError(
    'ArgumentInvalid',
    `importMode '${text.slice(0, 64)}' is none of ${MODES.join(', ')}.`,
  )
}

function readEtag(text: string | null | undefined): string | undefined {
  if (!text) return undefined
  return text.replace(/^W\//, '').replace(/^"(.*)"$/, '$1')
}
