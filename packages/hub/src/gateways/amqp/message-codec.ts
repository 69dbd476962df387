import {
  type CloudMessage,
  type DeviceMessage,
  type DeviceRef,
  type FeedbackRequest,
  HubError,
  isSameRef,
  type MessageSystemProperties,
} from '@twinward/protocol'
import type { LockedMessage } from '../../messages/cloud-messages.ts'
import { parseLinkAddress } from './addresses.ts'
import {
  bodyOf,
  decodeMessage,
  encodeMessage,
  type Message,
  type MessageProperty,
} from './wire/message.ts'
import {
  AmqpMap,
  type AmqpValue,
  symbol,
  symbolMap,
  textOf,
  timestamp,
  ubyte,
  ulong,
} from './wire/values.ts'

const ACK = 'iothub-ack'

/** System properties that travel as application properties (10 §1.1). */
const SYSTEM_APPLICATION: ReadonlyMap<string, keyof MessageSystemProperties> = new Map([
  ['iothub-outputname', 'outputName'],
  ['iothub-message-schema', 'messageSchema'],
  ['iothub-creation-time-utc', 'creationTimeUtc'],
])
/** As message annotations. */
const SYSTEM_ANNOTATIONS: readonly (readonly [string, keyof MessageSystemProperties])[] = [
  ['iothub-interface-id', 'interfaceId'],
  ['dt-subject', 'component'],
]
const SYSTEM_PROPERTIES: readonly (readonly [MessageProperty, keyof MessageSystemProperties])[] = [
  ['messageId', 'messageId'],
  ['correlationId', 'correlationId'],
  ['userId', 'userId'],
  ['to', 'to'],
  ['contentType', 'contentType'],
  ['contentEncoding', 'contentEncoding'],
  ['absoluteExpiryTime', 'expiryTimeUtc'],
  ['creationTime', 'creationTimeUtc'],
]

/**
 * A device's message (04 §4), from one encoded message.
 *
 * @throws {HubError} `ArgumentInvalid`; `InvalidOperation` when it is addressed to somebody else
 */
export function readDeviceMessage(ref: DeviceRef, message: Message): DeviceMessage {
  const { to } = message.properties
  if (typeof to === 'string' && to !== '') {
    const address = parseLinkAddress(to)
    const isOwn = address?.kind === 'telemetry' && isSameRef(address.ref, ref)
    if (!isOwn) throw new HubError('InvalidOperation', "'to' must be the sender's own address.")
  }
  const { system, application } = readProperties(message)
  const { to: _to, ...ownSystem } = system
  return { ref, system: ownSystem, application, body: bodyOf(message) }
}

/**
 * The messages of a transfer: one, or with `isBatch` one in each data section.
 *
 * @throws {HubError} as `readDeviceMessage`; {Fault} for what cannot be decoded
 */
export function readDeviceMessages(
  ref: DeviceRef,
  bytes: Buffer,
  isBatch: boolean,
): readonly DeviceMessage[] {
  const message = decodeMessage(bytes)
  if (!isBatch) return [readDeviceMessage(ref, message)]
  return message.data.map((part) => readDeviceMessage(ref, decodeMessage(part)))
}

/** A service's message (04 §9); `iothub-ack` says what it wants to hear of. */
export function readCloudMessage(message: Message): CloudMessage {
  const { system, application } = readProperties(message)
  const { [ACK]: ack, ...others } = application
  const { to: _to, ...ownSystem } = system
  // The service knows which words there are.
  const request = (ack ?? 'none').toLowerCase() as FeedbackRequest
  return { system: ownSystem, ack: request, application: others, body: bodyOf(message) }
}

function readProperties({ properties, annotations, application }: Message): {
  readonly system: MessageSystemProperties
  readonly application: { readonly [name: string]: string | null }
} {
  const system: { -readonly [name in keyof MessageSystemProperties]: string } = {}
  for (const [from, name] of SYSTEM_PROPERTIES) {
    const text = textOf(properties[from] ?? null)
    if (text !== undefined) system[name] = text
  }
  for (const [from, name] of SYSTEM_ANNOTATIONS) {
    const text = textOf(annotations.get(from))
    if (text !== undefined) system[name] = text
  }
  const own = new Map<string, string | null>()
  for (const [key, value] of application.entries) {
    if (typeof key !== 'string') throw invalid('The name of a property must be a text.')
    const text = textOf(value)
    if (text === undefined && value !== null) throw invalid(`Property '${key}' has no text.`)
    const name = SYSTEM_APPLICATION.get(key)
    if (!name) own.set(key, text ?? null)
    else if (text !== undefined) system[name] = text
  }
  // By entries, so that a property called __proto__ is one like any other.
  return { system, application: Object.fromEntries(own) }
}

/** A cloud-to-device message as a device gets it (04 §5). */
export function encodeCloudMessage(message: LockedMessage): Buffer {
  const { system, application, ref } = message
  return encodeMessage({
    annotations: symbolMap({
      'x-opt-lock-token': message.lockToken,
      'x-opt-sequence-number': ulong(message.sequence),
      'iothub-enqueuedtime': timestamp(message.enqueuedTimeMs),
      'iothub-deliverycount': ubyte(Math.min(message.deliveryCount, 0xff)),
    }),
    properties: {
      messageId: system.messageId,
      userId: system.userId === undefined ? undefined : Buffer.from(system.userId),
      to: `${pathOf(ref)}/messages/deviceBound`,
      correlationId: system.correlationId,
      contentType: symbolOf(system.contentType),
      contentEncoding: symbolOf(system.contentEncoding),
      absoluteExpiryTime: timestamp(message.expiresAtMs),
      creationTime: timeOf(system.creationTimeUtc),
    },
    application: new AmqpMap([
      ...(message.ack === 'none' ? [] : [[ACK, message.ack] as const]),
      ...Object.entries(application),
    ]),
    body: message.body,
  })
}

/** `/devices/{d}[/modules/{m}]`, with the ids percent-encoded as addresses have them. */
function pathOf({ deviceId, moduleId }: DeviceRef): string {
  const device = `/devices/${encodeURIComponent(deviceId)}`
  return moduleId === undefined ? device : `${device}/modules/${encodeURIComponent(moduleId)}`
}

function symbolOf(text: string | undefined): AmqpValue | undefined {
  return text === undefined ? undefined : symbol(text)
}

function timeOf(text: string | undefined): AmqpValue | undefined {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? undefined : timestamp(ms)
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
