export type SqlValue = string | number | bigint | Uint8Array | null

/** One statement of a unit; `sql` is a constant text, so that it is prepared once. */
export interface Statement {
  readonly sql: string
  readonly params: readonly SqlValue[]
}

/** What a statement did, or the rows it returned (`SELECT`, `RETURNING`), as arrays of columns. */
export interface StatementResult {
  readonly changes: number
  readonly rows: readonly (readonly SqlValue[])[]
}

/**
 * A SQLite file, worked on in a thread of its own (WAL, synchronous FULL). While one group of units
 * commits, the next gathers; a promise resolves after the commit that contains it.
 */
export interface SqliteDatabase {
  /**
   * Runs the statements in order, all or none. Units run in the order of the calls. A unit that
   * violates a constraint is undone alone and rejects with `ConstraintError`.
   * Any other failure of the store (disk full, I/O) rejects everything and calls `onFailure` once.
   */
  write(statements: readonly Statement[]): Promise<readonly StatementResult[]>
  /** Sees every `write` that was called before it. */
  read(sql: string, params: readonly SqlValue[]): Promise<readonly (readonly SqlValue[])[]>
  /** Waits for what is under way, then closes the file. */
  close(): Promise<void>
}

export interface SqliteOptions {
  readonly file: string
  /** Applied in order, each once, in a transaction (`user_version` counts them). */
  readonly migrations: readonly string[]
  /** The store can no longer promise durability; the process should say why and end. */
  readonly onFailure: (error: Error) => void
}

export class ConstraintError extends Error {
  override readonly name = 'ConstraintError'
}
