import type { DeviceMessage, MessageSystemProperties } from './message.ts'
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
  const system: Record<string, string> = {}
  const application: Record<string, string | null> = {}
  for (const part of bag.slice(bag.startsWith('?') ? 1 : 0, endOf(bag)).split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const key = decoded(equals < 0 ? part : part.slice(0, equals))
    const value = equals < 0 ? null : decoded(part.slice(equals + 1))
    if (key.startsWith('$.')) {
      const name = SYSTEM_KEYS.get(key)
      if (name !== undefined && value !== null) system[name] = value
    } else if (!RESERVED.has(key)) setOwn(application, key, value)
  }
  return { system, application }
}

/** The opposite. All is percent-encoded, the `$` too: the C SDK knows system keys only like that. */
export function formatPropertyBag({ system, application }: MessageProperties): string {
  const parts: string[] = []
  for (const [key, name] of SYSTEM_KEYS) {
    const value = system[name]
    if (value !== undefined) parts.push(`${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
  }
  for (const [name, value] of Object.entries(application)) {
    const key = encodeURIComponent(name)
    parts.push(value === null ? key : `${key}=${encodeURIComponent(value)}`)
  }
  return parts.join('&')
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
