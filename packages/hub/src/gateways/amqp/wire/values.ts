/** Types of AMQP whose name matters: when they are written, or when a value is sent back as it came. */
export type TypeName =
  | 'ubyte'
  | 'ushort'
  | 'uint'
  | 'ulong'
  | 'int'
  | 'long'
  | 'timestamp'
  | 'uuid'
  | 'symbol'

/** A value with its type. `value`: bigint of a ulong or long, bytes of a uuid, ms of a timestamp. */
export class Typed {
  readonly type: TypeName
  readonly value: number | bigint | string | Buffer

  constructor(type: TypeName, value: number | bigint | string | Buffer) {
    this.type = type
    this.value = value
  }
}

export class Described {
  readonly descriptor: AmqpValue
  readonly value: AmqpValue

  constructor(descriptor: AmqpValue, value: AmqpValue) {
    this.descriptor = descriptor
    this.value = value
  }
}

/** A map. Keys that are neither strings nor symbols are kept but never found. */
export class AmqpMap {
  readonly entries: readonly (readonly [AmqpValue, AmqpValue])[]

  constructor(entries: readonly (readonly [AmqpValue, AmqpValue])[]) {
    this.entries = entries
  }

  get(name: string): AmqpValue {
    return this.entries.find(([key]) => key === name)?.[1] ?? null
  }
}

/** As `symbols` in an array; arrays of other types are only read. */
export class SymbolArray {
  readonly symbols: readonly string[]

  constructor(symbols: readonly string[]) {
    this.symbols = symbols
  }
}

/**
 * A value of AMQP 1.0. Read: symbols and chars are strings, integers of up to 32 bits, floats and
 * doubles are numbers, arrays are lists, decimals are bytes. Written: a bare number has no type and is
 * refused.
 */
export type AmqpValue =
  | null
  | boolean
  | number
  | string
  | Buffer
  | Typed
  | Described
  | AmqpMap
  | SymbolArray
  | readonly AmqpValue[]

export const ubyte = (value: number) => new Typed('ubyte', value)
export const ushort = (value: number) => new Typed('ushort', value)
export const uint = (value: number) => new Typed('uint', value)
export const int = (value: number) => new Typed('int', value)
export const ulong = (value: number | bigint) => new Typed('ulong', BigInt(value))
export const long = (value: number | bigint) => new Typed('long', BigInt(value))
export const timestamp = (ms: number) => new Typed('timestamp', ms)
export const symbol = (value: string) => new Typed('symbol', value)
export const uuid = (bytes: Buffer) => new Typed('uuid', bytes)

/** A map with symbols as keys; members that are `undefined` are left out. */
export function symbolMap(members: { readonly [name: string]: AmqpValue | undefined }): AmqpMap {
  const entries: (readonly [AmqpValue, AmqpValue])[] = []
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) entries.push([symbol(name), value])
  }
  return new AmqpMap(entries)
}

/** `1f2e…-…` of the 16 bytes of a UUID. */
export function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)]
  return [...parts, hex.slice(20)].join('-')
}

/** A scalar as text, the way it would be in a property bag; `undefined` for null and what has none. */
export function textOf(value: AmqpValue): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Buffer.isBuffer(value)) return textOfBytes(value)
  if (!(value instanceof Typed)) return undefined
  if (Buffer.isBuffer(value.value)) return formatUuid(value.value)
  if (value.type !== 'timestamp') return String(value.value)
  return isoTime(Number(value.value))
}

/** A whole number that JavaScript has exactly, of whatever integer type. */
export function integerOf(value: AmqpValue): number | undefined {
  const number = value instanceof Typed && typeof value.value === 'bigint' ? value.value : value
  if (typeof number !== 'number' && typeof number !== 'bigint') return undefined
  return Number.isSafeInteger(Number(number)) ? Number(number) : undefined
}

/** A message id is a string, a uuid, a ulong or bytes; nothing else can be sent back. */
export function idOf(value: AmqpValue | undefined): AmqpValue | undefined {
  const isId = typeof value === 'string' || Buffer.isBuffer(value) || value instanceof Typed
  return isId ? value : undefined
}

/** ISO 8601; `undefined` beyond the dates there are. */
export function isoTime(ms: number): string | undefined {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

/** Bytes that are no text are shown as base64. */
function textOfBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : bytes.toString('base64')
}
