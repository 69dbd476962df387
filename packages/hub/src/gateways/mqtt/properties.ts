import type { Fields } from './fields.ts'

/** The properties of an MQTT 5 packet that a client may send. Absent ones have the standard's default. */
export interface Properties {
  readonly payloadFormat?: number
  readonly messageExpirySeconds?: number
  readonly contentType?: string
  readonly responseTopic?: string
  readonly correlationData?: Buffer
  readonly subscriptionId?: number
  readonly sessionExpirySeconds?: number
  readonly authenticationMethod?: string
  readonly authenticationData?: Buffer
  readonly requestProblemInformation?: number
  readonly willDelaySeconds?: number
  readonly requestResponseInformation?: number
  readonly reasonString?: string
  readonly receiveMaximum?: number
  readonly topicAliasMaximum?: number
  readonly topicAlias?: number
  readonly maxPacketBytes?: number
  /** User properties, in order; names may repeat. */
  readonly user: readonly (readonly [string, string])[]
}

/** What a packet without properties has, and every packet of MQTT 3.1.1. */
export const NO_PROPERTIES: Properties = { user: [] }

type Kind = 'flag' | 'uint16' | 'positive16' | 'uint32' | 'positive32' | 'varint' | 'text' | 'bytes'

const USER_PROPERTY = 0x26
const KINDS: ReadonlyMap<number, readonly [Exclude<keyof Properties, 'user'>, Kind]> = new Map([
  [0x01, ['payloadFormat', 'flag']],
  [0x02, ['messageExpirySeconds', 'uint32']],
  [0x03, ['contentType', 'text']],
  [0x08, ['responseTopic', 'text']],
  [0x09, ['correlationData', 'bytes']],
  [0x0b, ['subscriptionId', 'varint']],
  [0x11, ['sessionExpirySeconds', 'uint32']],
  [0x15, ['authenticationMethod', 'text']],
  [0x16, ['authenticationData', 'bytes']],
  [0x17, ['requestProblemInformation', 'flag']],
  [0x18, ['willDelaySeconds', 'uint32']],
  [0x19, ['requestResponseInformation', 'flag']],
  [0x1f, ['reasonString', 'text']],
  [0x21, ['receiveMaximum', 'positive16']],
  [0x22, ['topicAliasMaximum', 'uint16']],
  [0x23, ['topicAlias', 'positive16']],
  [0x27, ['maxPacketBytes', 'positive32']],
] as const)

const MESSAGE = [0x01, 0x02, 0x03, 0x08, 0x09, USER_PROPERTY]

/** Which properties a packet may have; any other makes it malformed. */
export const CONNECT_PROPERTIES = new Set([
  ...[0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, USER_PROPERTY, 0x27],
])
export const WILL_PROPERTIES = new Set([...MESSAGE, 0x18])
export const PUBLISH_PROPERTIES = new Set([...MESSAGE, 0x23])
export const SUBSCRIBE_PROPERTIES = new Set([0x0b, USER_PROPERTY])
export const UNSUBSCRIBE_PROPERTIES = new Set([USER_PROPERTY])
export const PUBACK_PROPERTIES = new Set([0x1f, USER_PROPERTY])
export const DISCONNECT_PROPERTIES = new Set([0x11, 0x1f, USER_PROPERTY])

/** Reads properties with their length. What is wrong with them shows in `fields.isValid`. */
export function readProperties(fields: Fields, allowed: ReadonlySet<number>): Properties {
  const part = fields.part(fields.varint())
  if (!fields.isValid) return NO_PROPERTIES
  if (part.isAtEnd) return NO_PROPERTIES
  const user: (readonly [string, string])[] = []
  const found: Partial<Record<keyof Properties, unknown>> = { user }
  while (part.isValid && !part.isAtEnd) {
    const id = part.varint()
    const [name, kind] = KINDS.get(id) ?? []
    if (!allowed.has(id) || (name !== undefined && Object.hasOwn(found, name))) part.isValid = false
    else if (id === USER_PROPERTY) user.push([part.text(), part.text()])
    else if (name !== undefined && kind !== undefined) found[name] = read(part, kind)
  }
  if (!part.isValid) fields.isValid = false
  return found as unknown as Properties
}

function read(fields: Fields, kind: Kind): number | string | Buffer {
  if (kind === 'text') return fields.text()
  // A copy, because a view would keep the whole chunk.
  if (kind === 'bytes') return Buffer.from(fields.bytes())
  const value = readNumber(fields, kind)
  if (kind === 'flag' && value > 1) fields.isValid = false
  if (kind.startsWith('positive') && value === 0) fields.isValid = false
  if (kind === 'varint' && value === 0) fields.isValid = false
  return value
}

function readNumber(fields: Fields, kind: Kind): number {
  if (kind === 'flag') return fields.byte()
  if (kind === 'varint') return fields.varint()
  return kind.endsWith('16') ? fields.uint16() : fields.uint32()
}

/** Properties that the hub sends. */
export interface SentProperties {
  readonly messageExpirySeconds?: number
  readonly contentType?: string
  readonly correlationData?: string
  readonly sessionExpirySeconds?: number
  readonly serverKeepAliveSeconds?: number
  readonly reasonString?: string
  readonly receiveMaximum?: number
  readonly topicAliasMaximum?: number
  readonly maximumQos?: number
  readonly retainAvailable?: number
  readonly maxPacketBytes?: number
  readonly wildcardSubscriptionAvailable?: number
  readonly subscriptionIdsAvailable?: number
  readonly sharedSubscriptionAvailable?: number
  readonly user?: readonly (readonly [string, string])[]
}

const SENT: ReadonlyMap<
  Exclude<keyof SentProperties, 'user'>,
  readonly [number, 1 | 2 | 4 | 'text']
> = new Map([
  ['messageExpirySeconds', [0x02, 4]],
  ['contentType', [0x03, 'text']],
  ['correlationData', [0x09, 'text']],
  ['sessionExpirySeconds', [0x11, 4]],
  ['serverKeepAliveSeconds', [0x13, 2]],
  ['reasonString', [0x1f, 'text']],
  ['receiveMaximum', [0x21, 2]],
  ['topicAliasMaximum', [0x22, 2]],
  ['maximumQos', [0x24, 1]],
  ['retainAvailable', [0x25, 1]],
  ['maxPacketBytes', [0x27, 4]],
  ['wildcardSubscriptionAvailable', [0x28, 1]],
  ['subscriptionIdsAvailable', [0x29, 1]],
  ['sharedSubscriptionAvailable', [0x2a, 1]],
] as const)

const MAX_TEXT_BYTES = 0xffff

/** Properties with their length in front. A text that MQTT cannot hold is left out. */
export function encodeProperties(properties: SentProperties): Buffer {
  const parts: Buffer[] = []
  for (const [name, [id, kind]] of SENT) {
    const value = properties[name]
    if (value === undefined) continue
    if (kind !== 'text') parts.push(Buffer.from([id]), encodeNumber(Number(value), kind))
    else pushTexts(parts, id, [String(value)])
  }
  for (const pair of properties.user ?? []) pushTexts(parts, USER_PROPERTY, pair)
  const body = Buffer.concat(parts)
  return Buffer.concat([encodeVarint(body.length), body])
}

function pushTexts(parts: Buffer[], id: number, texts: readonly string[]): void {
  const encoded = texts.map((text) => Buffer.from(text))
  if (encoded.some((bytes) => bytes.length > MAX_TEXT_BYTES || bytes.includes(0))) return
  parts.push(Buffer.from([id]))
  for (const bytes of encoded) parts.push(encodeNumber(bytes.length, 2), bytes)
}

function encodeNumber(value: number, bytes: 1 | 2 | 4): Buffer {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntBE(value, 0, bytes)
  return buffer
}

export function encodeVarint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  return Buffer.from([...bytes, rest])
}
