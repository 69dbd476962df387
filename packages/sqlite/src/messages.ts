import type { SqlRow, SqlValue } from './database.ts'

/** What the worker is started with. */
export interface OpenMessage {
  readonly file: string
  readonly migrations: readonly string[]
  /** Another connection of this process will read the file too. */
  readonly isShared: boolean
}

/** What the query worker is started with; `functions` is the URL of a module. */
export interface OpenQueriesMessage {
  readonly file: string
  readonly functions: string
}

/** The rows end early, after the one that reaches `maxBytes`. */
export interface QueryMessage {
  readonly sql: string
  readonly params: SqlRow
  readonly maxBytes: number
}

export type FromQueryWorker =
  | { readonly kind: 'rows'; readonly rows: readonly SqlRow[] }
  | { readonly kind: 'failed'; readonly message: string }

/**
 * One group of units, flat, because structured clone pays for every object. `shape` holds per unit
 *
 *     WRITE,    statements, then per statement: sql, params
 *     DEFERRED, statements, then per statement: sql, params
 *     READ,     sql, params, maxBytes (0 = unbounded)
 *
 * `sql` numbers a text: those sent before, in order, followed by `texts`. The values of all params
 * follow each other in `values`.
 */
export interface GroupMessage {
  readonly texts: readonly string[]
  readonly shape: readonly number[]
  readonly values: PackedValues
}

export const WRITE = 0
export const DEFERRED = 1
export const READ = 2

/** Ends the worker after what was sent before. */
export type ToWorker = GroupMessage | 'close'

/**
 * The outcome of a group, after its commit. `shape` holds per unit
 *
 *     WRITE     DONE, then per statement: changes, rows, columns
 *               or VIOLATED, statement (its code and message in `values`)
 *     DEFERRED  changes
 *     READ      rows, columns
 */
export interface GroupReply {
  readonly kind: 'committed'
  readonly shape: readonly number[]
  readonly values: PackedValues
}

export const DONE = 0
export const VIOLATED = 1

export type FromWorker =
  | { readonly kind: 'open' }
  | { readonly kind: 'refused'; readonly reason: 'in-use' | 'too-new' | 'other'; message: string }
  | GroupReply
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/** Values in order; a byte array is `undefined` there, its length and its bytes stand aside. */
export interface PackedValues {
  readonly plain: readonly (Exclude<SqlValue, Uint8Array> | undefined)[]
  readonly lengths: readonly number[]
  /** Owns its buffer, which is transferred. */
  readonly bytes: Uint8Array | undefined
}

/** Cloning a small view copies the whole buffer behind it, hence one buffer for all byte arrays. */
export class ValuePacker {
  readonly #plain: (Exclude<SqlValue, Uint8Array> | undefined)[] = []
  readonly #blobs: Uint8Array[] = []
  #blobBytes = 0

  push(value: SqlValue): void {
    if (typeof value === 'object' && value !== null) {
      this.#plain.push(undefined)
      this.#blobs.push(value)
      this.#blobBytes += value.byteLength
    } else {
      this.#plain.push(value)
    }
  }

  pushAll(values: SqlRow): void {
    for (let i = 0; i < values.length; i++) this.push(values[i] as SqlValue)
  }

  pack(): PackedValues {
    if (this.#blobs.length === 0) return { plain: this.#plain, lengths: [], bytes: undefined }
    const bytes = new Uint8Array(this.#blobBytes)
    const lengths: number[] = []
    let offset = 0
    for (const blob of this.#blobs) {
      bytes.set(blob, offset)
      offset += blob.byteLength
      lengths.push(blob.byteLength)
    }
    return { plain: this.#plain, lengths, bytes }
  }
}

export function transferList({ bytes }: PackedValues): ArrayBuffer[] {
  return bytes === undefined ? [] : [bytes.buffer as ArrayBuffer]
}

/** Takes a message apart, in the order in which it was put together. */
export class MessageReader {
  readonly #shape: readonly number[]
  readonly #values: PackedValues
  readonly #copyBytes: boolean
  #nextNumber = 0
  #nextValue = 0
  #nextLength = 0
  #byteOffset = 0

  /** @param copyBytes  whether byte arrays must outlive the message without keeping all of it */
  constructor(
    { shape, values }: { shape: readonly number[]; values: PackedValues },
    copyBytes: boolean,
  ) {
    this.#shape = shape
    this.#values = values
    this.#copyBytes = copyBytes
  }

  get atEnd(): boolean {
    return this.#nextNumber >= this.#shape.length
  }

  number(): number {
    return this.#shape[this.#nextNumber++] as number
  }

  value(): SqlValue {
    const value = this.#values.plain[this.#nextValue++]
    return value === undefined ? this.#blob() : value
  }

  row(columns: number): SqlValue[] {
    const row: SqlValue[] = []
    for (let i = 0; i < columns; i++) row.push(this.value())
    return row
  }

  rows(count: number, columns: number): SqlValue[][] {
    const rows: SqlValue[][] = []
    for (let i = 0; i < count; i++) rows.push(this.row(columns))
    return rows
  }

  #blob(): Uint8Array {
    const { bytes, lengths } = this.#values
    const length = lengths[this.#nextLength++]
    if (bytes === undefined || length === undefined) throw new Error('A message was cut short.')
    const start = this.#byteOffset
    this.#byteOffset += length
    const end = this.#byteOffset
    return this.#copyBytes ? bytes.slice(start, end) : bytes.subarray(start, end)
  }
}
