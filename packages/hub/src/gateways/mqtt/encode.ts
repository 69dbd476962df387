import { DISCONNECT, PUBACK, PUBLISH } from './frames.ts'
import { encodeProperties, encodeVarint, type SentProperties } from './properties.ts'

const PINGRESP = Buffer.from([0xd0, 0])

export function encodePingResponse(): Buffer {
  return PINGRESP
}

/** Of MQTT 3.1.1. */
export function encodeConnack(code: number, sessionPresent = false): Buffer {
  return Buffer.from([0x20, 2, sessionPresent ? 1 : 0, code])
}

export function encodeConnack5(
  reason: number,
  sessionPresent: boolean,
  properties: SentProperties,
): Buffer {
  return packet(0x20, Buffer.from([sessionPresent ? 1 : 0, reason]), encodeProperties(properties))
}

/** @param codes  one a filter, at most 124 so that the length fits one byte */
export function encodeSuback(packetId: number, codes: readonly number[], isMqtt5 = false): Buffer {
  return acknowledgement(0x90, packetId, isMqtt5 ? [0, ...codes] : codes)
}

/** @param codes  one a filter; MQTT 3.1.1 has none */
export function encodeUnsuback(
  packetId: number,
  codes: readonly number[] = [],
  isMqtt5 = false,
): Buffer {
  return acknowledgement(0xb0, packetId, isMqtt5 ? [0, ...codes] : [])
}

/** A PUBACK of MQTT 5 that refuses a message. */
export function encodeRefusal(packetId: number, reason: number, text: string | undefined): Buffer {
  const properties = text === undefined ? {} : { reasonString: text }
  const start = Buffer.from([packetId >> 8, packetId & 0xff, reason])
  return packet(PUBACK << 4, start, encodeProperties(properties))
}

/** Of MQTT 5. */
export function encodeDisconnect(reason: number, text: string): Buffer {
  const properties = encodeProperties({ reasonString: text })
  return packet(DISCONNECT << 4, Buffer.from([reason]), properties)
}

export interface OutgoingPublish {
  readonly topic: string
  readonly body: Uint8Array
  /** 0 means QoS 0, anything else QoS 1. */
  readonly packetId: number
  readonly isDuplicate: boolean
  /** In MQTT 5. */
  readonly properties?: SentProperties
}

/** A PUBLISH that is not gathered by `PacketWriter`. The topic is known to fit. */
export function encodePublish(publish: OutgoingPublish): Buffer {
  const { topic, body, packetId, isDuplicate, properties } = publish
  const topicBytes = Buffer.from(topic)
  return packet(
    (PUBLISH << 4) | (isDuplicate ? 8 : 0) | (packetId === 0 ? 0 : 2),
    ...[uint16(topicBytes.length), topicBytes],
    ...(packetId === 0 ? [] : [uint16(packetId)]),
    ...(properties ? [encodeProperties(properties)] : []),
    body,
  )
}

function acknowledgement(firstByte: number, packetId: number, rest: readonly number[]): Buffer {
  return Buffer.from([firstByte, 2 + rest.length, packetId >> 8, packetId & 0xff, ...rest])
}

function packet(firstByte: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0)
  return Buffer.concat([Buffer.from([firstByte]), encodeVarint(length), ...parts])
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}
