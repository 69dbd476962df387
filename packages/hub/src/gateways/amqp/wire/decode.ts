import { decodeFault } from './fault.ts'
import { AmqpMap, type AmqpValue, Described, Typed } from './values.ts'

/** Lists, maps, arrays and described values within each other. */
const MAX_DEPTH = 16

/** Reads values of AMQP 1.0 (part 1 of the standard) from bytes that a peer sent. */
export class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  /** What follows the values that were read. */
  rest(): Buffer {
    return this.#bytes.subarray(this.#at)
  }

  /** @throws {Fault} `amqp:decode-error` */
  read(depth = 0): AmqpValue {
    if (depth > MAX_DEPTH) throw decodeFault(`values are nested over ${MAX_DEPTH} deep`)
    const code = this.#uint8()
    if (code !== 0) return this.#value(code, depth)
    const descriptor = this.read(depth + 1)
    return new Described(descriptor, this.read(depth + 1))
  }

  #value(code: number, depth: number): AmqpValue {
    switch (code >> 4) {
      case 0x4:
        return constantOf(code)
      case 0x5:
      case 0x6:
      case 0x7:
      case 0x8:
      case 0x9:
        return scalarOf(code, this.#take(1 << ((code >> 4) - 5)))
      case 0xa:
        return variableOf(code, this.#take(this.#uint8()))
      case 0xb:
        return variableOf(code, this.#take(this.#uint32()))
      case 0xc:
      case 0xd:
        return this.#compound(code, depth)
      case 0xe:
      case 0xf:
        return this.#array(code, depth)
      default:
        throw unknownType(code)
    }
  }

  #compound(code: number, depth: number): AmqpValue {
    const isWide = code >= 0xd0
    const body = new Reader(this.#take(isWide ? this.#uint32() : this.#uint8()))
    const count = isWide ? body.#uint32() : body.#uint8()
    // Every value takes a byte or more, so this bounds the loop.
    if (count > body.remaining) throw decodeFault('a list or map is too short for its count')
    const items: AmqpValue[] = []
    for (let n = 0; n < count; n++) items.push(body.read(depth + 1))
    if (body.remaining > 0) throw decodeFault('a list or map is too long for its count')
    if ((code & 0xf) === 0x0) return items
    if ((code & 0xf) === 0x1) return mapOf(items)
    throw unknownType(code)
  }

  #array(code: number, depth: number): AmqpValue {
    const isWide = code >= 0xf0
    if ((code & 0xf) !== 0) throw unknownType(code)
    const body = new Reader(this.#take(isWide ? this.#uint32() : this.#uint8()))
    const count = isWide ? body.#uint32() : body.#uint8()
    const itemCode = body.#uint8()
    if (itemCode === 0) throw decodeFault('arrays of described values are not supported')
    // Items of no width would let five bytes fill the memory.
    if (count > body.remaining) throw decodeFault('an array is too short for its count')
    const items: AmqpValue[] = []
    for (let n = 0; n < count; n++) items.push(body.#value(itemCode, depth + 1))
    return items
  }

  #uint8(): number {
    return this.#take(1).readUInt8(0)
  }

  #uint32(): number {
    return this.#take(4).readUInt32BE(0)
  }

  #take(length: number): Buffer {
    if (length > this.remaining) throw decodeFault('a value ends too early')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}

function constantOf(code: number): AmqpValue {
  switch (code) {
    case 0x40:
      return null
    case 0x41:
      return true
    case 0x42:
      return false
    case 0x43:
      return 0
    case 0x44:
      return new Typed('ulong', 0n)
    case 0x45:
      return []
    default:
      throw unknownType(code)
  }
}

function scalarOf(code: number, bytes: Buffer): AmqpValue {
  switch (code) {
    case 0x50:
    case 0x52:
      return bytes.readUInt8(0)
    case 0x51:
    case 0x54:
      return bytes.readInt8(0)
    case 0x53:
      return new Typed('ulong', BigInt(bytes.readUInt8(0)))
    case 0x55:
      return new Typed('long', BigInt(bytes.readInt8(0)))
    case 0x56:
      return bytes.readUInt8(0) !== 0
    case 0x60:
      return bytes.readUInt16BE(0)
    case 0x61:
      return bytes.readInt16BE(0)
    case 0x70:
      return bytes.readUInt32BE(0)
    case 0x71:
      return bytes.readInt32BE(0)
    case 0x72:
      return bytes.readFloatBE(0)
    case 0x73:
      return charOf(bytes.readUInt32BE(0))
    case 0x80:
      return new Typed('ulong', bytes.readBigUInt64BE(0))
    case 0x81:
      return new Typed('long', bytes.readBigInt64BE(0))
    case 0x82:
      return bytes.readDoubleBE(0)
    case 0x83:
      return new Typed('timestamp', Number(bytes.readBigInt64BE(0)))
    case 0x98:
      return new Typed('uuid', bytes)
    case 0x74:
    case 0x84:
    case 0x94:
      return bytes
    default:
      throw unknownType(code)
  }
}

function charOf(codePoint: number): string {
  if (codePoint > 0x10ffff) throw decodeFault('a char is no character')
  return String.fromCodePoint(codePoint)
}

function variableOf(code: number, bytes: Buffer): AmqpValue {
  switch (code & 0xf) {
    case 0x0:
      return bytes
    case 0x1:
    case 0x3:
      return bytes.toString('utf8')
    default:
      throw unknownType(code)
  }
}

function mapOf(items: readonly AmqpValue[]): AmqpMap {
  if (items.length % 2 !== 0) throw decodeFault('a map has a key without a value')
  const entries: (readonly [AmqpValue, AmqpValue])[] = []
  for (let n = 0; n < items.length; n += 2) entries.push([items[n] ?? null, items[n + 1] ?? null])
  return new AmqpMap(entries)
}

function unknownType(code: number) {
  return decodeFault(`there is no type 0x${code.toString(16)}`)
}
