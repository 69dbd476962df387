/** What a field of a FlatBuffers table holds; a field that is left out has its default. */
export type FlatField =
  | { readonly bits: 8 | 16 | 32; readonly value: number }
  /** A struct: bytes as they lie. */
  | { readonly inline: Buffer; readonly align: number }
  | { readonly to: FlatTarget }

/** What an offset leads to. */
export type FlatTarget =
  | { readonly text: string }
  | { readonly table: FlatTable }
  | { readonly tables: readonly FlatTable[] }
  /** A vector of structs, each of the same size. */
  | { readonly structs: readonly Buffer[]; readonly align: number }

/** Fields by their slot. */
export type FlatTable = Readonly<Record<number, FlatField>>

export const u8 = (value: number): FlatField => ({ bits: 8, value })
export const u16 = (value: number): FlatField => ({ bits: 16, value })
export const u32 = (value: number): FlatField => ({ bits: 32, value })
export const text = (value: string): FlatField => ({ to: { text: value } })
export const table = (value: FlatTable): FlatField => ({ to: { table: value } })
export const tables = (value: readonly FlatTable[]): FlatField => ({ to: { tables: value } })

/**
 * A FlatBuffers message with this root: no file identifier, no size in front. Written forwards, each
 * table behind its vtable and in front of what it refers to.
 */
export function writeFlatBuffer(root: FlatTable): Buffer {
  const writer = new FlatWriter()
  writer.refer(writer.take(4, 4), { table: root })
  return writer.bytes()
}

class FlatWriter {
  #buffer = Buffer.alloc(4096)
  #length = 0

  bytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length))
  }

  /** Room for so many bytes. @returns where it begins */
  take(bytes: number, align: number): number {
    const at = Math.ceil(this.#length / align) * align
    this.#length = at + bytes
    while (this.#length > this.#buffer.length) {
      this.#buffer = Buffer.concat([this.#buffer, Buffer.alloc(this.#buffer.length)])
    }
    return at
  }

  /** Writes what an offset leads to, behind it. */
  refer(from: number, target: FlatTarget): void {
    const at = this.#write(target)
    this.#buffer.writeUInt32LE(at - from, from)
  }

  #write(target: FlatTarget): number {
    if ('text' in target) return this.#text(target.text)
    if ('table' in target) return this.#table(target.table)
    if ('structs' in target) return this.#structs(target.structs, target.align)
    const at = this.take(4 + 4 * target.tables.length, 4)
    this.#buffer.writeUInt32LE(target.tables.length, at)
    for (const [index, each] of target.tables.entries()) {
      this.refer(at + 4 + 4 * index, { table: each })
    }
    return at
  }

  #text(value: string): number {
    const bytes = Buffer.from(value)
    const at = this.take(4 + bytes.length + 1, 4)
    this.#buffer.writeUInt32LE(bytes.length, at)
    bytes.copy(this.#buffer, at + 4)
    return at
  }

  #structs(structs: readonly Buffer[], align: number): number {
    const size = structs[0]?.length ?? 0
    // The elements are aligned, the count in front of them follows.
    const first = this.take(0, align) + Math.max(4, align)
    const at = first - 4
    this.take(first - this.#length + size * structs.length, 1)
    this.#buffer.writeUInt32LE(structs.length, at)
    for (const [index, bytes] of structs.entries()) bytes.copy(this.#buffer, first + size * index)
    return at
  }

  #table(fields: FlatTable): number {
    const slots = Object.keys(fields).map(Number)
    const vtableBytes = 4 + 2 * (Math.max(-1, ...slots) + 1)
    const vtable = this.take(vtableBytes, 2)
    const at = this.take(4, 4)
    this.#buffer.writeInt32LE(at - vtable, at)
    const references: (readonly [number, FlatTarget])[] = []
    for (const slot of slots) {
      const field = fields[slot] as FlatField
      const place = this.#field(field)
      this.#buffer.writeUInt16LE(place - at, vtable + 4 + 2 * slot)
      if ('to' in field) references.push([place, field.to])
    }
    this.#buffer.writeUInt16LE(vtableBytes, vtable)
    this.#buffer.writeUInt16LE(this.#length - at, vtable + 2)
    for (const [from, target] of references) this.refer(from, target)
    return at
  }

  #field(field: FlatField): number {
    if ('to' in field) return this.take(4, 4)
    if ('inline' in field) {
      const at = this.take(field.inline.length, field.align)
      field.inline.copy(this.#buffer, at)
      return at
    }
    const bytes = field.bits / 8
    const at = this.take(bytes, bytes)
    this.#buffer.writeUIntLE(field.value, at, bytes)
    return at
  }
}
