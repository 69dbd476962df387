import { AmqpMap, type AmqpValue, Described, SymbolArray, Typed } from './values.ts'

const START_BYTES = 256

/** Writes values of AMQP 1.0 (part 1 of the standard). */
export class Writer {
  #bytes = Buffer.allocUnsafe(START_BYTES)
  #length = 0

  write(value: AmqpValue): void {
    if (value === null) this.#code(0x40)
    else if (typeof value === 'boolean') this.#code(value ? 0x41 : 0x42)
    else if (typeof value === 'string') this.#variable(0xa1, Buffer.from(value))
    else if (Buffer.isBuffer(value)) this.#variable(0xa0, value)
    else if (value instanceof Typed) this.#typed(value)
    else if (value instanceof Described) {
      this.#code(0x00)
      this.write(value.descriptor)
      this.write(value.value)
    } else if (value instanceof AmqpMap) this.#compound(0xd1, value.entries.flat())
    else if (value instanceof SymbolArray) this.#symbols(value)
    else if (typeof value === 'number') throw new TypeError('a number needs a type to be written')
    else if (value.length === 0) this.#code(0x45)
    else this.#compound(0xd0, value)
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** What was written; the writer must not be used any more. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #typed({ type, value }: Typed): void {
    switch (type) {
      case 'ubyte':
        this.#uint8(0x50, Number(value))
        break
      case 'ushort':
        this.#code(0x60)
        this.#write((to, at) => to.writeUInt16BE(Number(value), at), 2)
        break
      case 'uint':
        this.#uint(Number(value))
        break
      case 'int':
        this.#code(0x71)
        this.#write((to, at) => to.writeInt32BE(Number(value), at), 4)
        break
      case 'ulong':
        this.#ulong(BigInt(value as bigint))
        break
      case 'long':
        this.#int64(0x81, BigInt(value as bigint))
        break
      case 'timestamp':
        this.#int64(0x83, BigInt(Number(value)))
        break
      case 'uuid':
        this.#code(0x98)
        this.raw(value as Buffer)
        break
      case 'symbol':
        this.#variable(0xa3, Buffer.from(String(value)))
    }
  }

  #int64(code: number, value: bigint): void {
    this.#code(code)
    this.#write((to, at) => to.writeBigInt64BE(value, at), 8)
  }

  #uint(value: number): void {
    if (value === 0) this.#code(0x43)
    else if (value <= 0xff) this.#uint8(0x52, value)
    else {
      this.#code(0x70)
      this.#write((to, at) => to.writeUInt32BE(value, at), 4)
    }
  }

  #ulong(value: bigint): void {
    if (value === 0n) this.#code(0x44)
    else if (value <= 0xffn) this.#uint8(0x53, Number(value))
    else {
      this.#code(0x80)
      this.#write((to, at) => to.writeBigUInt64BE(value, at), 8)
    }
  }

  /** @param narrowCode  of the type with one byte of length; the one with four is 0x10 more */
  #variable(narrowCode: number, bytes: Uint8Array): void {
    if (bytes.length <= 0xff) this.#uint8(narrowCode, bytes.length)
    else {
      this.#code(narrowCode + 0x10)
      this.#write((to, at) => to.writeUInt32BE(bytes.length, at), 4)
    }
    this.raw(bytes)
  }

  #compound(code: number, items: readonly AmqpValue[]): void {
    this.#code(code)
    const sizeAt = this.#advance(4)
    this.#write((to, at) => to.writeUInt32BE(items.length, at), 4)
    for (const item of items) this.write(item)
    this.#bytes.writeUInt32BE(this.#length - sizeAt - 4, sizeAt)
  }

  #symbols({ symbols }: SymbolArray): void {
    this.#code(0xf0)
    const sizeAt = this.#advance(4)
    this.#write((to, at) => to.writeUInt32BE(symbols.length, at), 4)
    this.#code(0xa3)
    for (const text of symbols) {
      const bytes = Buffer.from(text)
      this.#code(bytes.length)
      this.raw(bytes)
    }
    this.#bytes.writeUInt32BE(this.#length - sizeAt - 4, sizeAt)
  }

  #uint8(code: number, value: number): void {
    this.#code(code)
    this.#code(value)
  }

  #code(code: number): void {
    this.#write((to, at) => to.writeUInt8(code, at), 1)
  }

  /** Makes room first: the buffer may be another one afterwards. */
  #write(write: (bytes: Buffer, at: number) => void, bytes: number): void {
    const at = this.#advance(bytes)
    write(this.#bytes, at)
  }

  /** Makes room. @returns where it begins */
  #advance(bytes: number): number {
    this.#reserve(bytes)
    this.#length += bytes
    return this.#length - bytes
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(needed * 2)
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}

export function encode(...values: readonly AmqpValue[]): Buffer {
  const writer = new Writer()
  for (const value of values) writer.write(value)
  return writer.take()
}
