/** Types of MQTT control packets: the upper half of the first byte. */
export const CONNECT = 1
export const PUBLISH = 3
export const PUBACK = 4
export const SUBSCRIBE = 8
export const UNSUBSCRIBE = 10
export const PINGREQ = 12
export const DISCONNECT = 14

/** What `FrameReader.next` found at the head of the stream. */
export type FrameState = 'packet' | 'incomplete' | 'malformed' | 'too large'

const NOTHING = Buffer.alloc(0)
const MAX_LENGTH_BYTES = 4

/**
 * Cuts a byte stream into MQTT packets, however its chunks fall.
 *
 * Bytes that were handed out are never overwritten, so a packet's payload may outlive its turn
 * without a copy. An incomplete packet costs at most twice the bytes that have arrived of it.
 */
export class FrameReader {
  /** Where the bytes of the current packet are; valid after `next` said `packet`. */
  buffer: Buffer = NOTHING
  firstByte = 0
  /** First byte after the fixed header. */
  bodyStart = 0
  bodyEnd = 0
  #start = 0
  #end = 0
  /** `buffer` is ours to append to, not a chunk of the socket's. */
  #isOwn = false

  push(chunk: Buffer): void {
    const waiting = this.#end - this.#start
    if (waiting === 0) {
      this.buffer = chunk
      this.#start = 0
      this.#end = chunk.length
      this.#isOwn = false
      return
    }
    const needed = waiting + chunk.length
    if (!this.#isOwn || this.#end + chunk.length > this.buffer.length) {
      // Doubling only what grows for a second time keeps a trickled packet linear and a stream exact.
      const grown = Buffer.allocUnsafeSlow(this.#isOwn ? needed * 2 : needed)
      this.buffer.copy(grown, 0, this.#start, this.#end)
      this.buffer = grown
      this.#start = 0
      this.#end = waiting
      this.#isOwn = true
    }
    chunk.copy(this.buffer, this.#end)
    this.#end += chunk.length
  }

  get isEmpty(): boolean {
    return this.#start === this.#end
  }

  /** The first byte of the next packet, before the rest has arrived. */
  get headByte(): number | undefined {
    return this.isEmpty ? undefined : this.buffer[this.#start]
  }

  /** @param maxBytes  of a packet after its fixed header; known before the rest has arrived */
  next(maxBytes: number): FrameState {
    const { buffer } = this
    let at = this.#start + 1
    let length = 0
    for (let shift = 0; ; shift += 7) {
      if (at >= this.#end) return 'incomplete'
      const byte = buffer[at++] as number
      length |= (byte & 0x7f) << shift
      if (byte < 0x80) break
      if (shift === 7 * (MAX_LENGTH_BYTES - 1)) return 'malformed'
    }
    if (length > maxBytes) return 'too large'
    if (length > this.#end - at) return 'incomplete'
    this.firstByte = buffer[this.#start] as number
    this.bodyStart = at
    this.bodyEnd = at + length
    return 'packet'
  }

  /** Goes on behind the current packet. */
  consume(): void {
    this.#start = this.bodyEnd
    if (this.#start === this.#end) this.clear()
  }

  /** Lets go of all bytes. */
  clear(): void {
    this.buffer = NOTHING
    this.#start = 0
    this.#end = 0
    this.#isOwn = false
  }
}
