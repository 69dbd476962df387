import { DuckDBDataChunk, type DuckDBType } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'

/**
 * Fills the columns of a data chunk. The API of DuckDB hands over texts one by one, which takes most of
 * the time that a row takes; but a text's 16 bytes in the column are plain memory: they hold short
 * texts themselves, and refer to long ones. So of equal texts in a column only the first is handed
 * over, and the 16 bytes of the others are copied from it.
 */
export class ColumnWriter {
  readonly chunk: DuckDBDataChunk
  readonly #rows: number

  constructor(types: readonly DuckDBType[], rows: number) {
    this.chunk = DuckDBDataChunk.create(types, rows)
    this.#rows = rows
  }

  /** Texts, of which many are equal or short. */
  texts(column: number, values: readonly (string | null)[]): void {
    const vector = duckdb.data_chunk_get_vector(this.chunk.chunk, column)
    const firsts = new Map<string, number>()
    const sources = new Int32Array(this.#rows)
    let hasCopies = false
    let hasNulls = false
    for (let row = 0; row < this.#rows; row++) {
      const value = values[row] ?? null
      sources[row] = row
      if (value === null) {
        hasNulls = true
        continue
      }
      const first = firsts.get(value)
      if (first === undefined) {
        firsts.set(value, row)
        duckdb.vector_assign_string_element(vector, row, value)
      } else {
        sources[row] = first
        hasCopies = true
      }
    }
    if (hasCopies) copyEntries(vector, sources)
    if (hasNulls) markNulls(vector, values)
  }

  /** Texts that all differ. */
  distinctTexts(column: number, values: readonly string[]): void {
    const vector = duckdb.data_chunk_get_vector(this.chunk.chunk, column)
    for (let row = 0; row < this.#rows; row++) {
      duckdb.vector_assign_string_element(vector, row, values[row] ?? '')
    }
  }

  /** 64-bit numbers; also timestamps, in µs. */
  bigints(column: number, values: readonly bigint[]): void {
    this.#copy(column, BigInt64Array.from(values))
  }

  integers(column: number, values: readonly number[]): void {
    this.#copy(column, Int32Array.from(values))
  }

  booleans(column: number, values: readonly boolean[]): void {
    this.#copy(column, Uint8Array.from(values, Number))
  }

  #copy(column: number, data: BigInt64Array | Int32Array | Uint8Array): void {
    const vector = duckdb.data_chunk_get_vector(this.chunk.chunk, column)
    duckdb.copy_data_to_vector(vector, 0, data.buffer as ArrayBuffer, 0, data.byteLength)
  }
}

/** 32-bit words of a text in a column. */
const WORDS = 4

/** @param sources  for each row, the row whose entry it gets */
function copyEntries(vector: duckdb.Vector, sources: Int32Array): void {
  // What we get is a copy of the column's memory.
  const bytes = duckdb.vector_get_data(vector, sources.length * WORDS * 4)
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, sources.length * WORDS)
  for (let row = 0; row < sources.length; row++) {
    const source = sources[row] ?? row
    if (source === row) continue
    for (let word = 0; word < WORDS; word++) {
      words[row * WORDS + word] = words[source * WORDS + word] ?? 0
    }
  }
  const buffer = bytes.buffer as ArrayBuffer
  duckdb.copy_data_to_vector(vector, 0, buffer, bytes.byteOffset, bytes.byteLength)
}

function markNulls(vector: duckdb.Vector, values: readonly (string | null)[]): void {
  const mask = new Uint8Array(Math.ceil(values.length / 64) * 8)
  for (const [row, value] of values.entries()) {
    if (value !== null) mask[row >> 3] = (mask[row >> 3] ?? 0) | (1 << (row & 7))
  }
  duckdb.vector_ensure_validity_writable(vector)
  duckdb.copy_data_to_vector_validity(vector, 0, mask.buffer, 0, mask.byteLength)
}
