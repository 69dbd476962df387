import type { Identity, JsonObject, MetadataNode, Twin, TwinSection } from '@twinward/protocol'
import type { Entry } from '../registry/registry.ts'
import { formatIdentityEtag, formatTwinEtag } from './etag.ts'

/** IoT Hub's date: seven fractional digits; the time 0 is its "never". */
export function formatTime(ms: number): string {
  if (ms === 0) return '0001-01-01T00:00:00Z'
  return `${new Date(ms).toISOString().slice(0, -1)}0000Z`
}

/** What a device reads: both sections with `$version`, without metadata and tags (02 §4). JSON text. */
export function deviceView({ desired, reported }: Pick<Twin, 'desired' | 'reported'>): string {
  return `{"desired":${versioned(desired)},"reported":${versioned(reported)}}`
}

function versioned({ values, version }: TwinSection): string {
  return JSON.stringify({ ...values, $version: version })
}

/**
 * What a service reads (02 §1). JSON text, because every write of a service is answered with it: built
 * as an object first, the metadata alone would cost more than the write.
 */
export function serviceView(
  { ref, identity, twin, configured }: Entry,
  connected: boolean,
  waitingMessages = 0,
): string {
  const { deviceId, moduleId } = ref
  const moduleMember = moduleId === undefined ? '' : `"moduleId":${JSON.stringify(moduleId)},`
  const capabilities = `,"capabilities":{"iotEdge":${identity.iotEdge}}`
  const configurations = configured
    ? `,"configurations":${JSON.stringify(configured.statuses)}`
    : ''
  return (
    `{"deviceId":${JSON.stringify(deviceId)},${moduleMember}"etag":"${formatTwinEtag(twin.etag)}",` +
    `${identityMembers(identity)},"connectionState":"${connected ? 'Connected' : 'Disconnected'}",` +
    `"cloudToDeviceMessageCount":${waitingMessages},` +
    `"version":${twin.version},"tags":${JSON.stringify(twin.tags)},` +
    `"properties":{"desired":${withMetadata(twin.desired)},` +
    `"reported":${withMetadata(twin.reported)}}${moduleId === undefined ? capabilities : ''}` +
    `${configurations}}`
  )
}

/** By identity, which seldom changes while its twin does. */
const knownMembers = new WeakMap<Identity, string>()

/** The members that mirror the identity, without braces. */
function identityMembers(identity: Identity): string {
  let text = knownMembers.get(identity)
  if (text === undefined) {
    text = JSON.stringify(identityMirror(identity)).slice(1, -1)
    knownMembers.set(identity, text)
  }
  return text
}

function identityMirror(identity: Identity): JsonObject {
  const { authentication } = identity
  const isSelfSigned = authentication.type === 'selfSigned'
  return {
    modelId: identity.modelId,
    deviceEtag: formatIdentityEtag(identity.etag),
    status: identity.status,
    statusReason: identity.statusReason,
    statusUpdateTime: formatTime(identity.statusUpdatedTimeMs),
    lastActivityTime: formatTime(identity.lastActivityTimeMs),
    authenticationType: authentication.type,
    x509Thumbprint: {
      primaryThumbprint: isSelfSigned ? authentication.primaryThumbprint : null,
      secondaryThumbprint: isSelfSigned ? authentication.secondaryThumbprint : null,
    },
    ...(identity.deviceScope !== undefined && { deviceScope: identity.deviceScope }),
    ...(identity.parentScopes && { parentScopes: identity.parentScopes }),
  }
}

/** No property is called `$metadata` or `$version` (limits.ts), so they can follow the properties. */
export function withMetadata({ values, version, metadata }: TwinSection): string {
  const properties = JSON.stringify(values).slice(0, -1)
  const comma = properties === '{' ? '' : ','
  return `${properties}${comma}"$metadata":${metadataText(metadata)},"$version":${version}}`
}

function metadataText({ t, v, of }: MetadataNode): string {
  let text = stampText(t, v)
  for (const key in of) {
    // Most keys need no escape; to find that out is quicker than to write them as JSON.
    const name = PLAIN_KEY.test(key) ? `"${key}"` : JSON.stringify(key)
    text += `,${name}:${metadataText(of[key] as MetadataNode)}`
  }
  return `${text}}`
}

const PLAIN_KEY = /^[\w:\-^*]*$/

interface StampText {
  readonly t: number
  readonly v: number
  readonly text: string
}

/** The two stamps written last: what a patch wrote and what it left change places again and again. */
let last: StampText = { t: Number.NaN, v: 0, text: '' }
let lastButOne: StampText = last

/** The beginning of a node, without its members and its end. */
function stampText(t: number, v: number): string {
  if (t === last.t && v === last.v) return last.text
  const before = last
  if (t === lastButOne.t && v === lastButOne.v) last = lastButOne
  else {
    const text = `{"$lastUpdated":"${formatTime(t)}","$lastUpdatedVersion":${v}`
    last = { t, v, text }
  }
  lastButOne = before
  return last.text
}
