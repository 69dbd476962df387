/** MQTT 3.1.1 packets, encoded once before the clock starts. Decoding is the connection's business. */

export interface ConnectFields {
  readonly clientId: string
  readonly userName: string
  readonly password: string
  readonly keepAliveSeconds: number
}

export interface PublishFields {
  readonly topic: string
  /** Absent: QoS 0, else QoS 1. */
  readonly packetId?: number
  readonly body: string
}

/** Packet types: the high four bits of the first byte. */
export const CONNACK = 2
export const PUBLISH = 3
export const PUBACK = 4
export const SUBACK = 9

/** CONNECT with clean session, user name and password. */
export function encodeConnect(fields: ConnectFields): Buffer {
  const { clientId, userName, password, keepAliveSeconds } = fields
  const flags = 0b1100_0010
  return packet(0x10, [
    text('MQTT'),
    Buffer.from([4, flags]),
    uint16(keepAliveSeconds),
    text(clientId),
    text(userName),
    text(password),
  ])
}

/** SUBSCRIBE for one filter at QoS 0. */
export function encodeSubscribe(packetId: number, filter: string): Buffer {
  return packet(0x82, [uint16(packetId), text(filter), Buffer.from([0])])
}

/** PUBLISH at QoS 1 or 0. */
export function encodePublish({ topic, packetId, body }: PublishFields): Buffer {
  const id = packetId === undefined ? [] : [uint16(packetId)]
  return packet(packetId === undefined ? 0x30 : 0x32, [text(topic), ...id, Buffer.from(body)])
}

function packet(firstByte: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([firstByte]), remainingLength(body.length), body])
}

// MQTT-2.2.3: seven bits a byte, the lowest first.
function remainingLength(length: number): Buffer {
  const bytes: number[] = []
  let rest = length
  do {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low | 128 : low)
  } while (rest > 0)
  return Buffer.from(bytes)
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([uint16(bytes.length), bytes])
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255])
}
