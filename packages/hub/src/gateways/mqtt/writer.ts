import { PUBACK, PUBLISH } from './frames.ts'

const SCRATCH_BYTES = 64 * 1024
const MAX_HEADER_BYTES = 5

function writeLength(packet: Buffer, start: number, length: number): number {
  let at = start
  let rest = length
  while (rest > 0x7f) {
    packet[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  packet[at++] = rest
  return at
}

/** How the peer of the packets wants them. */
export interface PacketFormat {
  readonly isMqtt5: boolean
  /** Of a whole packet; a larger PUBLISH is left out. */
  readonly maxPacketBytes: number
}

export const PLAIN_FORMAT: PacketFormat = {
  isMqtt5: false,
  maxPacketBytes: Number.POSITIVE_INFINITY,
}

/**
 * Gathers the packets of one socket and turn, so that they leave in one write.
 *
 * One writer serves all connections: it is filled and taken in one go.
 */
export class PacketWriter {
  #buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  #length = 0
  /** Packets that were left out because they are too large for the peer. */
  skipped = 0
  #isMqtt5 = false
  #maxPacketBytes = Number.POSITIVE_INFINITY

  get length(): number {
    return this.#length
  }

  /** Starts with nothing; what follows is for a peer that wants it like this. */
  start({ isMqtt5, maxPacketBytes }: PacketFormat): void {
    this.#length = 0
    this.skipped = 0
    this.#isMqtt5 = isMqtt5
    this.#maxPacketBytes = maxPacketBytes
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
    // MQTT 5 has the length of the properties behind the topic: none.
    const propertyBytes = this.#isMqtt5 ? 1 : 0
    const remaining = 2 + topicBytes + propertyBytes + payloadBytes
    if (remaining + MAX_HEADER_BYTES > this.#maxPacketBytes) {
      this.skipped++
      return
    }
    this.#reserve(MAX_HEADER_BYTES + remaining)
    const buffer = this.#buffer
    let at = this.#length
    buffer[at++] = PUBLISH << 4
    at = writeLength(buffer, at, remaining)
    buffer[at++] = topicBytes >> 8
    buffer[at++] = topicBytes & 0xff
    at += buffer.write(topic, at, 'utf8')
    if (propertyBytes > 0) buffer[at++] = 0
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
