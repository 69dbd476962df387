import { HubError } from '../../errors.ts'

/** Bytes of text that one buffer may unfold to: offsets may share a string, so it can be more than it has. */
export const MAX_UNFOLDED_TEXT_BYTES = 1024 * 1024

/** Turns bytes into text; where they are no UTF-8 it puts U+FFFD. */
export type DecodeText = (bytes: Uint8Array) => string

/** A table: where it is, and where its list of fields is. */
export interface FlatTable {
  readonly position: number
  readonly vtable: number
  readonly vtableSize: number
  readonly size: number
}

/** A vector: where its first item is, and how many there are. */
export interface FlatVector {
  readonly start: number
  readonly count: number
}

const EMPTY: FlatVector = { start: 0, count: 0 }

/**
 * A buffer in the FlatBuffers format. Nothing in it is trusted: every offset and length is checked
 * before it is followed, and what may be unfolded is bounded, so reading takes linear time.
 *
 * All methods throw `HubError` `ArgumentInvalid` that says what is wrong where. A field that is not
 * in the buffer has its default (FlatBuffers leaves those out).
 */
export class FlatBuffer {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #decodeText: DecodeText
  #items: number
  #textBytes = MAX_UNFOLDED_TEXT_BYTES
  #isExhausted = false

  /** @param maxItems  how many items of vectors may be unfolded in all */
  constructor(bytes: Uint8Array, decodeText: DecodeText, maxItems: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#decodeText = decodeText
    this.#items = maxItems
  }

  /** Whether it unfolds to more than was allowed: nothing more can be read from it. */
  get isExhausted(): boolean {
    return this.#isExhausted
  }

  root(): FlatTable {
    return this.#tableAt(this.#follow(0))
  }

  /** The table that a field refers to; `undefined` when it is absent. */
  table(of: FlatTable, slot: number): FlatTable | undefined {
    const field = this.#field(of, slot, 4)
    return field === 0 ? undefined : this.#tableAt(this.#follow(field))
  }

  /** The text that a field refers to; `undefined` when it is absent. */
  text(of: FlatTable, slot: number): string | undefined {
    const field = this.#field(of, slot, 4)
    if (field === 0) return undefined
    const position = this.#follow(field)
    const length = this.#uint32(position)
    this.#check(position + 4, length)
    this.#textBytes -= length
    if (this.#textBytes < 0) this.#exhaust(`more than ${MAX_UNFOLDED_TEXT_BYTES} bytes of text`)
    return this.#decodeText(this.#bytes.subarray(position + 4, position + 4 + length))
  }

  /** The vector that a field refers to; empty when it is absent. */
  vector(of: FlatTable, slot: number, itemBytes: number): FlatVector {
    const field = this.#field(of, slot, 4)
    if (field === 0) return EMPTY
    const position = this.#follow(field)
    const count = this.#uint32(position)
    this.#check(position + 4, count * itemBytes)
    this.#items -= count
    if (this.#items < 0) this.#exhaust('too many items')
    return { start: position + 4, count }
  }

  /** The table that an item of a vector of tables refers to. */
  tableIn({ start }: FlatVector, index: number): FlatTable {
    return this.#tableAt(this.#follow(start + 4 * index))
  }

  /** The bytes of a struct in a table; `undefined` when it is absent. */
  struct(of: FlatTable, slot: number, size: number): Uint8Array | undefined {
    const field = this.#field(of, slot, size)
    return field === 0 ? undefined : this.#bytes.subarray(field, field + size)
  }

  /** The bytes of a struct that is an item of a vector. */
  structIn({ start }: FlatVector, index: number, size: number): Uint8Array {
    return this.#bytes.subarray(start + index * size, start + (index + 1) * size)
  }

  uint8(of: FlatTable, slot: number, byDefault = 0): number {
    const field = this.#field(of, slot, 1)
    return field === 0 ? byDefault : this.#view.getUint8(field)
  }

  int8(of: FlatTable, slot: number): number {
    const field = this.#field(of, slot, 1)
    return field === 0 ? 0 : this.#view.getInt8(field)
  }

  uint16(of: FlatTable, slot: number): number {
    const field = this.#field(of, slot, 2)
    return field === 0 ? 0 : this.#view.getUint16(field, true)
  }

  uint32(of: FlatTable, slot: number, byDefault = 0): number {
    const field = this.#field(of, slot, 4)
    return field === 0 ? byDefault : this.#view.getUint32(field, true)
  }

  uint64(of: FlatTable, slot: number): bigint {
    const field = this.#field(of, slot, 8)
    return field === 0 ? 0n : this.#view.getBigUint64(field, true)
  }

  /** Where a field's own bytes are; 0 when it is absent. */
  #field({ position, vtable, vtableSize, size }: FlatTable, slot: number, bytes: number): number {
    const entry = 4 + 2 * slot
    if (entry + 2 > vtableSize) return 0
    const offset = this.#view.getUint16(vtable + entry, true)
    if (offset === 0) return 0
    if (offset < 4 || offset + bytes > size) fail(position, `field ${slot} lies outside its table`)
    return position + offset
  }

  #tableAt(position: number): FlatTable {
    this.#check(position, 4)
    const vtable = position - this.#view.getInt32(position, true)
    if (vtable < 0) fail(position, 'its list of fields lies outside the message')
    this.#check(vtable, 4)
    const vtableSize = this.#view.getUint16(vtable, true)
    const size = this.#view.getUint16(vtable + 2, true)
    if (vtableSize < 4 || vtableSize % 2 !== 0) fail(vtable, 'a list of fields of this length')
    if (size < 4) fail(vtable, 'a table of this length')
    this.#check(vtable, vtableSize)
    this.#check(position, size)
    return { position, vtable, vtableSize, size }
  }

  /** Where the offset at a position leads. */
  #follow(position: number): number {
    const offset = this.#uint32(position)
    if (offset === 0) fail(position, 'an offset of 0')
    const target = position + offset
    this.#check(target, 4)
    return target
  }

  #uint32(position: number): number {
    this.#check(position, 4)
    return this.#view.getUint32(position, true)
  }

  #check(position: number, bytes: number): void {
    if (position + bytes <= this.#bytes.byteLength) return
    fail(position, `${bytes} bytes end outside the message of ${this.#bytes.byteLength}`)
  }

  #exhaust(what: string): never {
    this.#isExhausted = true
    throw new HubError('ArgumentInvalid', `the binary message unfolds to ${what}`)
  }
}

function fail(position: number, what: string): never {
  throw new HubError('ArgumentInvalid', `at byte ${position}: ${what}`)
}
