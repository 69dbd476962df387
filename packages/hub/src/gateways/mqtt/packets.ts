import { Fields, uint16At, utf8 } from './fields.ts'
import { type FrameReader, SUBSCRIBE, UNSUBSCRIBE } from './frames.ts'
import {
  CONNECT_PROPERTIES,
  DISCONNECT_PROPERTIES,
  NO_PROPERTIES,
  type Properties,
  PUBACK_PROPERTIES,
  PUBLISH_PROPERTIES,
  readProperties,
  SUBSCRIBE_PROPERTIES,
  UNSUBSCRIBE_PROPERTIES,
  WILL_PROPERTIES,
} from './properties.ts'
import { DISCONNECT_REASONS, PUBACK_REASONS } from './reasons.ts'

export const MQTT_3_1_1 = 4
export const MQTT_5 = 5

export interface Will {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
  readonly properties: Properties
}

export interface Connect {
  readonly protocolName: string
  readonly level: number
  /** What an earlier session left is forgotten; in MQTT 3.1.1 also what this one leaves. */
  readonly cleanSession: boolean
  readonly keepAliveSeconds: number
  readonly clientId: string
  readonly will?: Will
  readonly userName?: string
  readonly password?: string
  readonly properties: Properties
}

/** Whether the session that it begins outlives its connection. */
export function isPersistent({ level, cleanSession, properties }: Connect): boolean {
  return level === MQTT_5 ? (properties.sessionExpirySeconds ?? 0) > 0 : !cleanSession
}

/** A PUBLISH that arrived. The payload is decoded only by who needs it. */
export class Publish {
  readonly topic: string
  readonly qos: number
  readonly retain: boolean
  readonly isDuplicate: boolean
  /** 0 with QoS 0. */
  readonly packetId: number
  /** Of the packet, as a measure of what it costs to keep. */
  readonly sizeBytes: number
  /** Of MQTT 5. */
  properties = NO_PROPERTIES
  readonly #source: Buffer
  readonly #start: number
  readonly #end: number

  constructor(frame: FrameReader, topic: string, packetId: number, payloadStart: number) {
    this.topic = topic
    this.qos = (frame.firstByte >> 1) & 3
    this.retain = (frame.firstByte & 1) === 1
    this.isDuplicate = (frame.firstByte & 8) !== 0
    this.packetId = packetId
    this.sizeBytes = frame.bodyEnd - frame.bodyStart
    this.#source = frame.buffer
    this.#start = payloadStart
    this.#end = frame.bodyEnd
  }

  /** A view, not a copy. */
  get body(): Buffer {
    return this.#source.subarray(this.#start, this.#end)
  }

  /** The payload as text; `undefined` when it is not UTF-8. */
  text(): string | undefined {
    return utf8(this.#source, this.#start, this.#end)
  }
}

export interface SubscribeEntry {
  readonly filter: string
  /** 0 in an UNSUBSCRIBE. */
  readonly qos: number
}

export interface Subscribe {
  readonly packetId: number
  readonly hasSubscriptionId: boolean
  readonly entries: readonly SubscribeEntry[]
}

/** IoT Hub documents five filters; clients may repeat them in one packet. */
export const MAX_FILTERS = 100

/** A CONNECT; of an unknown level only its beginning. `undefined` when it is malformed. */
export function decodeConnect(frame: FrameReader): Connect | undefined {
  const fields = new Fields(frame.buffer, frame.bodyStart, frame.bodyEnd)
  const protocolName = fields.text()
  const level = fields.byte()
  const flags = fields.byte()
  const keepAliveSeconds = fields.uint16()
  const cleanSession = (flags & 0x02) !== 0
  const start = { protocolName, level, cleanSession, keepAliveSeconds }
  if (!fields.isValid) return undefined
  if (protocolName !== 'MQTT' || level > MQTT_5) {
    return { ...start, clientId: '', properties: NO_PROPERTIES }
  }
  const hasWill = (flags & 0x04) !== 0
  if ((flags & 0x01) !== 0 || (!hasWill && (flags & 0x38) !== 0)) return undefined
  const isMqtt5 = level === MQTT_5
  const properties = isMqtt5 ? readProperties(fields, CONNECT_PROPERTIES) : NO_PROPERTIES
  const clientId = fields.text()
  const will = hasWill ? decodeWill(fields, flags, isMqtt5) : undefined
  const userName = (flags & 0x80) !== 0 ? fields.text() : undefined
  const password = (flags & 0x40) !== 0 ? fields.bytes().toString('utf8') : undefined
  if (!fields.isValid || !fields.isAtEnd) return undefined
  return {
    ...start,
    clientId,
    properties,
    ...(will && { will }),
    ...(userName !== undefined && { userName }),
    ...(password !== undefined && { password }),
  }
}

function decodeWill(fields: Fields, flags: number, isMqtt5: boolean): Will {
  const properties = isMqtt5 ? readProperties(fields, WILL_PROPERTIES) : NO_PROPERTIES
  const topic = fields.text()
  // A copy, because a view would keep the whole chunk for as long as the connection lives.
  const payload = Buffer.from(fields.bytes())
  return { topic, payload, qos: (flags >> 3) & 3, retain: (flags & 0x20) !== 0, properties }
}

/** A PUBLISH; `undefined` when it is malformed. */
export function decodePublish(frame: FrameReader): Publish | undefined {
  const { buffer, bodyStart, bodyEnd } = frame
  const topicStart = bodyStart + 2
  if (topicStart > bodyEnd) return undefined
  const topicEnd = topicStart + uint16At(buffer, bodyStart)
  const qos = (frame.firstByte >> 1) & 3
  const payloadStart = qos === 0 ? topicEnd : topicEnd + 2
  if (payloadStart > bodyEnd || qos === 3) return undefined
  const topic = utf8(buffer, topicStart, topicEnd)
  const packetId = qos === 0 ? 0 : uint16At(buffer, topicEnd)
  if (topic === undefined || topic.includes('\0')) return undefined
  if (qos !== 0 && packetId === 0) return undefined
  return new Publish(frame, topic, packetId, payloadStart)
}

/** A PUBLISH of MQTT 5; `undefined` when it is malformed. */
export function decodePublish5(frame: FrameReader): Publish | undefined {
  const { buffer, bodyStart, bodyEnd } = frame
  const fields = new Fields(buffer, bodyStart, bodyEnd)
  const topic = fields.text()
  const qos = (frame.firstByte >> 1) & 3
  const packetId = qos === 0 ? 0 : fields.uint16()
  const properties = readProperties(fields, PUBLISH_PROPERTIES)
  if (!fields.isValid || qos === 3 || (qos !== 0 && packetId === 0)) return undefined
  const publish = new Publish(frame, topic, packetId, fields.at)
  publish.properties = properties
  return publish
}

export interface Puback {
  readonly packetId: number
  /** 0 in MQTT 3.1.1. */
  readonly reason: number
}

/** A PUBACK; `undefined` when it is malformed. */
export function decodePuback(frame: FrameReader, isMqtt5: boolean): Puback | undefined {
  const fields = new Fields(frame.buffer, frame.bodyStart, frame.bodyEnd)
  const packetId = fields.uint16()
  const reason = isMqtt5 && !fields.isAtEnd ? fields.byte() : 0
  if (isMqtt5 && !fields.isAtEnd) readProperties(fields, PUBACK_PROPERTIES)
  if (!PUBACK_REASONS.has(reason)) return undefined
  return fields.isValid && fields.isAtEnd ? { packetId, reason } : undefined
}

export interface Disconnect {
  readonly reason: number
  readonly properties: Properties
}

/** A DISCONNECT; `undefined` when it is malformed. */
export function decodeDisconnect(frame: FrameReader, isMqtt5: boolean): Disconnect | undefined {
  const fields = new Fields(frame.buffer, frame.bodyStart, frame.bodyEnd)
  const reason = isMqtt5 && !fields.isAtEnd ? fields.byte() : 0
  const properties =
    isMqtt5 && !fields.isAtEnd ? readProperties(fields, DISCONNECT_PROPERTIES) : NO_PROPERTIES
  if (!DISCONNECT_REASONS.has(reason)) return undefined
  return fields.isValid && fields.isAtEnd ? { reason, properties } : undefined
}

/** A SUBSCRIBE or UNSUBSCRIBE; `undefined` when it is malformed or has more than `MAX_FILTERS`. */
export function decodeSubscribe(frame: FrameReader, isMqtt5: boolean): Subscribe | undefined {
  const fields = new Fields(frame.buffer, frame.bodyStart, frame.bodyEnd)
  const hasQos = frame.firstByte >> 4 === SUBSCRIBE
  const packetId = fields.uint16()
  const allowed = hasQos ? SUBSCRIBE_PROPERTIES : UNSUBSCRIBE_PROPERTIES
  const properties = isMqtt5 ? readProperties(fields, allowed) : NO_PROPERTIES
  const entries: SubscribeEntry[] = []
  while (fields.isValid && !fields.isAtEnd) {
    const filter = fields.text()
    const options = hasQos ? fields.byte() : 0
    const qos = isMqtt5 ? options & 3 : options
    if (isMqtt5 && !isValidOptions(options)) return undefined
    if (qos > 2 || filter === '' || entries.length === MAX_FILTERS) return undefined
    entries.push({ filter, qos })
  }
  if (!fields.isValid || packetId === 0 || entries.length === 0) return undefined
  return { packetId, entries, hasSubscriptionId: properties.subscriptionId !== undefined }
}

/** QoS, No Local, Retain As Published, Retain Handling 0–2; the rest is zero. */
function isValidOptions(options: number): boolean {
  return (options & 0xc0) === 0 && (options & 0x30) !== 0x30
}

/** Whether the lower half of the first byte is what MQTT 3.1.1 demands of the packet type. */
export function hasValidFlags(firstByte: number): boolean {
  const type = firstByte >> 4
  return (firstByte & 0x0f) === (type === SUBSCRIBE || type === UNSUBSCRIBE ? 2 : 0)
}
