import { isUtf8 } from 'node:buffer'

const MAX_VARINT_BYTES = 4

/** Reads fields one behind the other; once one does not fit, `isValid` is false for good. */
export class Fields {
  isValid = true
  readonly #buffer: Buffer
  #at: number
  readonly #end: number

  constructor(buffer: Buffer, start: number, end: number) {
    this.#buffer = buffer
    this.#at = start
    this.#end = end
  }

  get at(): number {
    return this.#at
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

  uint32(): number {
    const at = this.#take(4)
    return this.isValid ? this.#buffer.readUInt32BE(at) : 0
  }

  /** A number of one to four bytes, the lowest seven bits first, and no byte more than it needs. */
  varint(): number {
    let value = 0
    for (let read = 0; read < MAX_VARINT_BYTES; read++) {
      const byte = this.byte()
      value |= (byte & 0x7f) << (7 * read)
      if (byte >= 0x80) continue
      // MQTT-1.5.5-1
      if (byte === 0 && read > 0) this.isValid = false
      return value
    }
    this.isValid = false
    return 0
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

  /** The next `length` bytes as fields of their own. */
  part(length: number): Fields {
    const at = this.#take(length)
    const part = new Fields(this.#buffer, at, this.isValid ? at + length : at)
    part.isValid = this.isValid
    return part
  }

  #take(length: number): number {
    const at = this.#at
    if (length > this.#end - at) this.isValid = false
    else this.#at += length
    return at
  }
}

export function uint16At(buffer: Buffer, at: number): number {
  return ((buffer[at] as number) << 8) | (buffer[at + 1] as number)
}

/** Decoding replaces what is not UTF-8, so only a text with replacements needs a closer look. */
export function utf8(buffer: Buffer, start: number, end: number): string | undefined {
  const text = buffer.toString('utf8', start, end)
  if (text.includes('\ufffd') && !isUtf8(buffer.subarray(start, end))) return undefined
  return text
}
