import { decodeFault, Fault } from './fault.ts'

export const AMQP_FRAME = 0
export const SASL_FRAME = 1
const HEADER_BYTES = 8

/** The first eight bytes either way: `AMQP`, what is spoken, version 1.0.0. */
export const PLAIN_HEADER = Buffer.from('AMQP\x00\x01\x00\x00', 'latin1')
export const SASL_HEADER = Buffer.from('AMQP\x03\x01\x00\x00', 'latin1')

export interface Frame {
  readonly type: number
  readonly channel: number
  /** Empty: a sign of life. */
  readonly body: Buffer
}

/** Cuts the bytes of a peer into frames, and holds less than one frame and a chunk of them. */
export class FrameReader {
  #chunks: Buffer[] = []
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  /** The protocol header; `undefined` while it is not complete. */
  header(): Buffer | undefined {
    return this.#length < HEADER_BYTES ? undefined : this.#take(HEADER_BYTES)
  }

  /**
   * @returns `undefined` while the next frame is not complete
   * @throws {Fault} for a frame over `maxBytes`, as soon as its length is known, or a malformed one
   */
  next(maxBytes: number): Frame | undefined {
    if (this.#length < HEADER_BYTES) return undefined
    const head = this.#peek(HEADER_BYTES)
    const size = head.readUInt32BE(0)
    if (size > maxBytes) {
      throw new Fault('amqp:connection:framing-error', `a frame has more than ${maxBytes} bytes`)
    }
    const bodyAt = head.readUInt8(4) * 4
    if (bodyAt < HEADER_BYTES || bodyAt > size) throw decodeFault('a frame has a malformed header')
    if (this.#length < size) return undefined
    const bytes = this.#take(size)
    return {
      type: bytes.readUInt8(5),
      channel: bytes.readUInt16BE(6),
      body: bytes.subarray(bodyAt),
    }
  }

  #peek(length: number): Buffer {
    const [first] = this.#chunks
    if (first && first.length >= length) return first
    const all = Buffer.concat(this.#chunks)
    this.#chunks = [all]
    return all
  }

  #take(length: number): Buffer {
    const [first] = this.#chunks
    const bytes = first && first.length >= length ? first : this.#gather(length)
    if (bytes.length === length) this.#chunks.shift()
    else this.#chunks[0] = bytes.subarray(length)
    this.#length -= length
    return bytes.subarray(0, length)
  }

  /** One chunk of all: a frame that came in many pieces is copied once. */
  #gather(length: number): Buffer {
    const all = this.#peek(length)
    return all.length >= length ? all : Buffer.concat(this.#chunks)
  }
}

/** A frame as it goes out; without a body it is a sign of life. */
export function encodeFrame(type: number, channel: number, ...bodies: readonly Buffer[]): Buffer {
  const size = bodies.reduce((sum, body) => sum + body.length, HEADER_BYTES)
  const head = Buffer.alloc(HEADER_BYTES)
  head.writeUInt32BE(size, 0)
  head.writeUInt8(HEADER_BYTES / 4, 4)
  head.writeUInt8(type, 5)
  head.writeUInt16BE(channel, 6)
  return Buffer.concat([head, ...bodies], size)
}
