import { isUtf8 } from 'node:buffer'
import { type FrameReader, SUBSCRIBE, UNSUBSCRIBE } from './frames.ts'

export interface Will {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
}

export interface Connect {
  readonly protocolName: string
  readonly level: number
  readonly cleanSession: boolean
  readonly keepAliveSeconds: number
  readonly clientId: string
  readonly will?: Will
  readonly userName?: string
  readonly password?: string
}

/** A PUBLISH that arrived. The payload is decoded only by who needs it. */
export class Publish {
  readonly topic: string
  readonly qos: number
  readonly retain: boolean
  /** 0 with QoS 0. */
  readonly packetId: number
  /** Of the packet, as a measure of what it costs to keep. */
  readonly sizeBytes: number
  readonly #source: Buffer
  readonly #start: number
  readonly #end: number

  constructor(frame: FrameReader, topic: string, packetId: number, payloadStart: number) {
    this.topic = topic
    this.qos = (frame.firstByte >> 1) & 3
    this.retain = (frame.firstByte & 1) === 1
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
  readonly entries: readonly SubscribeEntry[]
}

/** IoT Hub documents five filters; clients may repeat them in one packet. */
export const MAX_FILTERS = 100
const MQTT_5 = 5

/** A CONNECT; of MQTT 5 only name and level. `undefined` when it is malformed. */
export function decodeConnect(frame: FrameReader): Connect | undefined {
  const fields = new Fields(frame.buffer, frame.bodyStart, frame.bodyEnd)
  const protocolName = fields.text()
  const level = fields.byte()
  const flags = fields.byte()
  const keepAliveSeconds = fields.uint16()
  const cleanSession = (flags & 0x02) !== 0
  const start = { protocolName, level, cleanSession, keepAliveSeconds }
  if (!fields.isValid) return undefined
  if (protocolName !== 'MQTT' || level >= MQTT_5) return { ...start, clientId: '' }
  const hasWill = (flags & 0x04) !== 0
  if ((flags & 0x01) !== 0 || (!hasWill && (flags & 0x38) !== 0)) return undefined
  const clientId = fields.text()
  const will = hasWill ? decodeWill(fields, flags) : undefined
  const userName = (flags & 0x80) !== 0 ? fields.text() : undefined
  const password = (flags & 0x40) !== 0 ? fields.bytes().toString('utf8') : undefined
  if (!fields.isValid || !fields.isAtEnd) return undefined
  return {
    ...start,
    clientId,
    ...(will && { will }),
    ...(userName !== undefined && { userName }),
    ...(password !== undefined && { password }),
  }
}

function decodeWill(fields: Fields, flags: number): Will {
  const topic = fields.text()
  // A copy, because a view would keep the whole chunk for as long as the connection lives.
  const payload = Buffer.from(fields.bytes())
  return { topic, payload, qos: (flags >> 3) & 3, retain: (flags & 0x20) !== 0 }
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

/** A SUBSCRIBE or UNSUBSCRIBE; `undefined` when it is malformed or has more than `MAX_FILTERS`. */
export function decodeSubscribe(frame: FrameReader): Subscribe | undefined {
  const fields = new Fields(frame.buffer, frame.bodyStart, frame.bodyEnd)
  const hasQos = frame.firstByte >> 4 === SUBSCRIBE
  const packetId = fields.uint16()
  const entries: SubscribeEntry[] = []
  while (fields.isValid && !fields.isAtEnd) {
    const filter = fields.text()
    const qos = hasQos ? fields.byte() : 0
    if (qos > 2 || filter === '' || entries.length === MAX_FILTERS) return undefined
    entries.push({ filter, qos })
  }
  if (!fields.isValid || packetId === 0 || entries.length === 0) return undefined
  return { packetId, entries }
}

/** Whether the lower half of the first byte is what MQTT 3.1.1 demands of the packet type. */
export function hasValidFlags(firstByte: number): boolean {
  const type = firstByte >> 4
  return (firstByte & 0x0f) === (type === SUBSCRIBE || type === UNSUBSCRIBE ? 2 : 0)
}

/** Reads fields one behind the other; once one does not fit, `isValid` is false for good. */
class Fields {
  isValid = true
  readonly #buffer: Buffer
  #at: number
  readonly #end: number

  constructor(buffer: Buffer, start: number, end: number) {
    this.#buffer = buffer
    this.#at = start
    this.#end = end
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end
  }

  byte(): number {
    const at = this.#take(1)
    return this.isValid ? (this.#buffer[at] as number) : 0
  }

  uint16(): number {
    const at = this.#take(2)
    return this.isValid ? uint16At(this.#buffer, at) : 0
  }

  bytes(): Buffer {
    const length = this.uint16()
    const at = this.#take(length)
    return this.#buffer.subarray(at, this.isValid ? at + length : at)
  }

  text(): string {
    const length = this.uint16()
    const at = this.#take(length)
    const text = this.isValid ? utf8(this.#buffer, at, at + length) : undefined
    if (text === undefined || text.includes('\0')) this.isValid = false
    return text ?? ''
  }

  #take(length: number): number {
    const at = this.#at
    if (length > this.#end - at) this.isValid = false
    else this.#at += length
    return at
  }
}

function uint16At(buffer: Buffer, at: number): number {
  return ((buffer[at] as number) << 8) | (buffer[at + 1] as number)
}

/** Decoding replaces what is not UTF-8, so only a text with replacements needs a closer look. */
function utf8(buffer: Buffer, start: number, end: number): string | undefined {
  const text = buffer.toString('utf8', start, end)
  if (text.includes('\ufffd') && !isUtf8(buffer.subarray(start, end))) return undefined
  return text
}
