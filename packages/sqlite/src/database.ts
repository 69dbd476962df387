export type SqlValue = string | number | bigint | Uint8Array | null
export type SqlRow = readonly SqlValue[]

/** One statement of a unit; `sql` is a constant text, so that it is prepared once. */
export interface Statement {
  readonly sql: string
  readonly params: SqlRow
}

/** What a statement did, or the rows it returned (`SELECT`, `RETURNING`), as arrays of columns. */
export interface StatementResult {
  readonly changes: number
  readonly rows: readonly SqlRow[]
}

/**
 * A SQLite file, worked on in a thread of its own (WAL, synchronous FULL). While one group of units
 * commits, the next gathers; a promise resolves after the commit that contains it.
 *
 * Units run in the order of the calls. Any failure that is not a constraint (disk full, I/O, SQL that
 * does not parse) rejects everything, now and later, and calls `onFailure` once.
 * Byte arrays are copied when their group leaves, not before: do not change one that was passed in.
 */
export interface SqliteDatabase {
  /**
   * Runs the statements in order, all or none.
   *
   * @throws {ConstraintError} when one violates a constraint; only this unit is undone
   * @throws {StoreBusyError} when too much waits already; nothing was done
   */
  write(statements: readonly Statement[]): Promise<readonly StatementResult[]>

  /**
   * Sees every `write` that was called before it, and resolves after their commit. Bound the rows
   * with a LIMIT.
   *
   * @param maxBytes  the rows end early, after the one that reaches it
   * @throws {StoreBusyError} when too much waits already
   */
  read(sql: string, params: SqlRow, maxBytes?: number): Promise<readonly SqlRow[]>

  /**
   * Runs a SELECT on a connection of its own, in another thread, so that however long it takes, no
   * `write` waits for it. Sees every `write` and `defer` that was called before. Needs
   * `SqliteOptions.queryFunctions`.
   *
   * @param maxBytes  the rows end early, after the one that reaches it
   * @throws {TooManyQueriesError} when too many wait already
   */
  query(sql: string, params: SqlRow, maxBytes: number): Promise<readonly SqlRow[]>

  /** Takes a place in the order for a unit whose statements are asked for when its group leaves. */
  defer(unit: DeferredUnit): void

  /**
   * Does not wait for the end of the turn if the worker is free: of a long turn's writes, it commits
   * the first while the others gather.
   */
  hurry(): void

  /** Waits for what is under way, then closes the file. */
  close(): Promise<void>
}

/**
 * Many small writes as one unit, without a promise, a savepoint or a result for each. The caller
 * bounds what it gathers. Its statements must not violate a constraint: that fails the store.
 */
export interface DeferredUnit {
  /** Called once, when the group leaves; what happens after that needs another unit. */
  statements(add: AddStatement): void
  /** After the commit. @param changes  rows changed by all statements together */
  committed(changes: number): void
  failed(error: Error): void
}

export type AddStatement = (sql: string, params: SqlRow) => void

export interface SqliteOptions {
  readonly file: string
  /** Applied in order, each once, in a transaction (`user_version` counts them). */
  readonly migrations: readonly string[]
  /**
   * A module that exports `queryFunctions`: functions by their names in SQL, for `query`. Their text
   * arguments and results are as SQLite holds them.
   */
  readonly queryFunctions?: URL
  /** The store can no longer promise durability; the process should say why and end. */
  readonly onFailure: (error: Error) => void
}
