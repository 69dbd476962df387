import type { CloudMessage, DeviceMessage, MessageSystemProperties } from './message.ts'
import { percentDecode } from './sas.ts'

/** The properties of a message, as an MQTT topic carries them. */
export type MessageProperties = Pick<DeviceMessage, 'system' | 'application'>

/** Keys of system properties in a bag (03 §6.1). */
const SYSTEM_KEYS: ReadonlyMap<string, keyof MessageSystemProperties> = new Map([
  ['$.mid', 'messageId'],
  ['$.cid', 'correlationId'],
  ['$.uid', 'userId'],
  ['$.to', 'to'],
  ['$.exp', 'expiryTimeUtc'],
  ['$.ct', 'contentType'],
  ['$.ce', 'contentEncoding'],
  ['$.ctime', 'creationTimeUtc'],
  ['$.on', 'outputName'],
  ['$.schema', 'messageSchema'],
  ['$.ifid', 'interfaceId'],
  ['$.sub', 'component'],
])

const LONE_SURROGATE = /\p{Surrogate}/gu

/** Names that only the hub sets. */
const RESERVED = new Set(['iothub-operation', 'iothub-MessageType'])

/**
 * Reads the properties at the end of a telemetry topic.
 *
 *     %24.mid=7&$.ct=application%2Fjson&colour=red&flag
 *   = { system: { messageId: '7', contentType: 'application/json' },
 *       application: { colour: 'red', flag: null } }
 *
 * Never refuses: a broken percent escape stays as it is, unknown `$.` keys and reserved names are
 * left out, of equal keys the last wins. A leading `?` and one trailing `/` do not belong to it.
 */
export function parsePropertyBag(bag: string): MessageProperties {
  const found: MutableProperties = { system: {}, application: {} }
  for (const part of bag.slice(bag.startsWith('?') ? 1 : 0, endOf(bag)).split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const key = decoded(equals < 0 ? part : part.slice(0, equals))
    addProperty(found, key, equals < 0 ? null : decoded(part.slice(equals + 1)))
  }
  return found
}

/** Properties that are being read. */
export interface MutableProperties {
  readonly system: Record<string, string>
  readonly application: Record<string, string | null>
}

/** Sets one property by the rules of a bag; key and value are decoded. */
export function addProperty(
  { system, application }: MutableProperties,
  key: string,
  value: string | null,
): void {
  if (key.startsWith('$.')) {
    const name = SYSTEM_KEYS.get(key)
    if (name !== undefined && value !== null) system[name] = value
  } else if (!RESERVED.has(key)) setOwn(application, key, value)
}

/** The opposite. All is percent-encoded, the `$` too: the C SDK knows system keys only like that. */
export function formatPropertyBag({ system, application }: MessageProperties): string {
  const parts: string[] = []
  for (const [key, name] of SYSTEM_KEYS) pushPair(parts, key, system[name])
  for (const [name, value] of Object.entries(application)) pushPair(parts, name, value)
  return parts.join('&')
}

/** System properties of a cloud-to-device message that its receiver sees over MQTT (03 §6.2). */
const CLOUD_KEYS = ['$.mid', '$.cid', '$.uid', '$.to', '$.exp', '$.ct', '$.ce'] as const

/**
 * The bag of a cloud-to-device message:
 *
 *     %24.mid=2f1c&%24.to=%2Fdevices%2Fpump-1%2Fmessages%2FdeviceBound&iothub-ack=full&colour=red
 *
 * @param to  always there: the C# SDK throws when the segment is empty
 */
export function formatCloudBag(
  { system, ack, application }: Omit<CloudMessage, 'body'>,
  to: string,
): string {
  const parts: string[] = []
  for (const key of CLOUD_KEYS) {
    const name = SYSTEM_KEYS.get(key)
    pushPair(parts, key, key === '$.to' ? to : name && system[name])
  }
  if (ack !== 'none') pushPair(parts, 'iothub-ack', ack)
  for (const [name, value] of Object.entries(application)) pushPair(parts, name, value)
  return parts.join('&')
}

/** `null` is a key without a value, `undefined` is nothing. */
function pushPair(parts: string[], name: string, value: string | null | undefined): void {
  if (value === undefined) return
  parts.push(value === null ? encoded(name) : `${encoded(name)}=${encoded(value)}`)
}

/** Half a surrogate pair cannot be encoded; it becomes the replacement character. */
function encoded(text: string): string {
  return encodeURIComponent(text.replace(LONE_SURROGATE, '\ufffd'))
}

function endOf(bag: string): number {
  return bag.endsWith('/') ? bag.length - 1 : bag.length
}

function decoded(text: string): string {
  return percentDecode(text) ?? text
}

/** An own property even when it is called `__proto__`. */
function setOwn(object: Record<string, string | null>, key: string, value: string | null): void {
  if (key !== '__proto__') object[key] = value
  else {
    Object.defineProperty(object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  }
}
