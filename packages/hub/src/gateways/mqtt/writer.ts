import { PUBACK, PUBLISH } from './frames.ts'

const SCRATCH_BYTES = 64 * 1024
const MAX_HEADER_BYTES = 5

const PINGRESP = Buffer.from([0xd0, 0])
/** CONNACK in the format of MQTT 5 with reason 0x84: unsupported protocol version. */
export const MQTT5_REFUSAL = Buffer.from([0x20, 3, 0, 0x84, 0])

export function encodePingResponse(): Buffer {
  return PINGRESP
}

export function encodeConnack(code: number, sessionPresent = false): Buffer {
  return Buffer.from([0x20, 2, sessionPresent ? 1 : 0, code])
}

/** @param codes  one a filter, at most 125 so that the length fits one byte */
export function encodeSuback(packetId: number, codes: readonly number[]): Buffer {
  return Buffer.from([0x90, 2 + codes.length, packetId >> 8, packetId & 0xff, ...codes])
}

export function encodeUnsuback(packetId: number): Buffer {
  return Buffer.from([0xb0, 2, packetId >> 8, packetId & 0xff])
}

/**
 * Gathers the packets of one socket and turn, so that they leave in one write.
 *
 * One writer serves all connections: it is filled and taken in one go.
 */
export class PacketWriter {
  #buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  #length = 0

  get length(): number {
    return this.#length
  }

  clear(): void {
    this.#length = 0
  }

  bytes(packet: Buffer): void {
    this.#reserve(packet.length)
    packet.copy(this.#buffer, this.#length)
    this.#length += packet.length
  }

  puback(packetId: number): void {
    this.#reserve(4)
    const buffer = this.#buffer
    buffer[this.#length++] = PUBACK << 4
    buffer[this.#length++] = 2
    buffer[this.#length++] = packetId >> 8
    buffer[this.#length++] = packetId & 0xff
  }

  /** A PUBLISH of QoS 0. */
  publish(topic: string, payload: string): void {
    const topicBytes = Buffer.byteLength(topic)
    const payloadBytes = payload === '' ? 0 : Buffer.byteLength(payload)
    const remaining = 2 + topicBytes + payloadBytes
    this.#reserve(MAX_HEADER_BYTES + remaining)
    const buffer = this.#buffer
    let at = this.#length
    buffer[at++] = PUBLISH << 4
    let rest = remaining
    while (rest > 0x7f) {
      buffer[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[at++] = rest
    buffer[at++] = topicBytes >> 8
    buffer[at++] = topicBytes & 0xff
    at += buffer.write(topic, at, 'utf8')
    if (payloadBytes > 0) at += buffer.write(payload, at, 'utf8')
    this.#length = at
  }

  /** What was gathered, in a buffer of its own; the writer is empty again. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.#length)
    this.#buffer.copy(taken, 0, 0, this.#length)
    this.#length = 0
    // A rare big turn must not keep its memory for ever.
    if (this.#buffer.length > SCRATCH_BYTES) this.#buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
    return taken
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(needed * 2)
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}
