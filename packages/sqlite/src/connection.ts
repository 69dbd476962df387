import Database from 'better-sqlite3'
import type { SqlValue } from './database.ts'
import { LockFile } from './lock-file.ts'
import {
  DEFERRED,
  DONE,
  type GroupMessage,
  type GroupReply,
  MessageReader,
  type OpenMessage,
  ValuePacker,
  VIOLATED,
  WRITE,
} from './messages.ts'
import { sizeOf } from './units.ts'

/** Pages SQLite keeps in memory, as KiB. */
const PAGE_CACHE_KIB = 64 * 1024
/**
 * The write-ahead log is copied into the file when it is this long, in pages of 4 KiB. Longer means
 * less work (hot pages are copied once) and longer pauses: 4,000 pages of a large store take 50 ms.
 */
const CHECKPOINT_PAGES = 4000
/** What stays of the write-ahead log after one group made it longer than that, in bytes. */
const MAX_IDLE_LOG_BYTES = 32 * 1024 * 1024
/** How long somebody who looks into a shared file from outside may hold it up. */
const SHARED_BUSY_TIMEOUT_MS = 5000

type Prepared = Database.Statement<[SqlValue[]]>

/** The file's `user_version` is greater than the migrations we know. */
export class TooNewError extends Error {}

/** The worker's side: one SQLite connection that runs whole groups. */
export class Connection {
  readonly #db: Database.Database
  readonly #lock: LockFile | undefined
  readonly #prepared: Prepared[] = []
  readonly #begin
  readonly #commit
  readonly #savepoint
  readonly #release
  readonly #undo

  /** @throws {TooNewError} or SQLite's error; the file is closed again then */
  constructor({ file, migrations, isShared }: OpenMessage) {
    // The database first: of a path that cannot be opened, SQLite's words name the right file.
    this.#db = new Database(file, { timeout: isShared ? SHARED_BUSY_TIMEOUT_MS : 0 })
    try {
      this.#lock = isShared ? new LockFile(file) : undefined
      configure(this.#db, isShared)
      migrate(this.#db, migrations)
    } catch (error) {
      this.close()
      throw error
    }
    this.#begin = this.#db.prepare('BEGIN')
    this.#commit = this.#db.prepare('COMMIT')
    this.#savepoint = this.#db.prepare('SAVEPOINT unit')
    this.#release = this.#db.prepare('RELEASE unit')
    this.#undo = this.#db.prepare('ROLLBACK TO unit')
  }

  /** Commits a group; what it throws has failed the whole store. */
  run(message: GroupMessage): GroupReply {
    for (const sql of message.texts) this.#prepare(sql)
    const units = new MessageReader(message, false)
    const shape: number[] = []
    const values = new ValuePacker()
    this.#begin.run()
    while (!units.atEnd) {
      const kind = units.number()
      if (kind === DEFERRED) shape.push(this.#runDeferred(units))
      else if (kind === WRITE) this.#runWrite(units, shape, values)
      else this.#runRead(units, shape, values)
    }
    this.#commit.run()
    return { kind: 'committed', shape, values: values.pack() }
  }

  close(): void {
    this.#db.close()
    this.#lock?.release()
  }

  #prepare(sql: string): void {
    const statement = this.#db.prepare<[SqlValue[]]>(sql)
    if (statement.reader) statement.raw(true)
    this.#prepared.push(statement)
  }

  #statement(units: MessageReader): Prepared {
    const statement = this.#prepared[units.number()]
    if (!statement) throw new Error('A group names a statement that was never sent.')
    return statement
  }

  #runDeferred(units: MessageReader): number {
    let changes = 0
    for (let left = units.number(); left > 0; left--) {
      const statement = this.#statement(units)
      const params = units.row(units.number())
      changes += statement.run(params).changes
    }
    return changes
  }

  #runWrite(units: MessageReader, shape: number[], values: ValuePacker): void {
    const calls = takeCalls(units, (reader) => this.#statement(reader))
    const results: StepResult[] = []
    // One statement is all or none by itself.
    const isAtomic = calls.length === 1
    if (!isAtomic) this.#savepoint.run()
    try {
      for (const call of calls) results.push(step(call))
    } catch (error) {
      if (!isConstraint(error)) throw error
      if (!isAtomic) this.#undo.run()
      shape.push(VIOLATED, results.length)
      values.pushAll([error.code, error.message])
      return
    } finally {
      if (!isAtomic && this.#db.inTransaction) this.#release.run()
    }
    shape.push(DONE)
    for (const { changes, rows } of results) {
      shape.push(changes)
      pushRows(rows, shape, values)
    }
  }

  #runRead(units: MessageReader, shape: number[], values: ValuePacker): void {
    const statement = this.#statement(units)
    const params = units.row(units.number())
    const maxBytes = units.number()
    const rows = maxBytes === 0 ? statement.all(params) : readUpTo(statement, params, maxBytes)
    pushRows(rows as SqlValue[][], shape, values)
  }
}

interface Call {
  readonly statement: Prepared
  readonly params: SqlValue[]
}

interface StepResult {
  readonly changes: number
  readonly rows: readonly SqlValue[][]
}

/** All of a unit's statements, read before the first runs: one that fails must not leave a rest. */
function takeCalls(units: MessageReader, next: (units: MessageReader) => Prepared): Call[] {
  const calls: Call[] = []
  for (let left = units.number(); left > 0; left--) {
    const statement = next(units)
    calls.push({ statement, params: units.row(units.number()) })
  }
  return calls
}

function step({ statement, params }: Call): StepResult {
  if (!statement.reader) return { changes: statement.run(params).changes, rows: [] }
  const rows = statement.all(params) as SqlValue[][]
  return { changes: statement.readonly ? 0 : rows.length, rows }
}

function readUpTo(statement: Prepared, params: SqlValue[], maxBytes: number): SqlValue[][] {
  const rows: SqlValue[][] = []
  let bytes = 0
  for (const row of statement.iterate(params) as IterableIterator<SqlValue[]>) {
    rows.push(row)
    bytes += sizeOf(row)
    if (bytes >= maxBytes) break
  }
  return rows
}

function pushRows(rows: readonly SqlValue[][], shape: number[], values: ValuePacker): void {
  shape.push(rows.length, rows[0]?.length ?? 0)
  for (const row of rows) values.pushAll(row)
}

function configure(db: Database.Database, isShared: boolean): void {
  // Exclusive before WAL: then the log's index is plain memory, and a second process is kept out. A
  // shared file has a `LockFile` for that.
  if (!isShared) db.pragma('locking_mode = EXCLUSIVE')
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  // On macOS only this flushes the disk's own cache.
  db.pragma('fullfsync = ON')
  db.pragma('foreign_keys = ON')
  db.pragma(`cache_size = -${PAGE_CACHE_KIB}`)
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  db.pragma(`journal_size_limit = ${MAX_IDLE_LOG_BYTES}`)
  // Takes the lock now rather than at the first write.
  db.exec('BEGIN IMMEDIATE; COMMIT')
}

function migrate(db: Database.Database, migrations: readonly string[]): void {
  const done = Number(db.pragma('user_version', { simple: true }))
  if (done > migrations.length) {
    throw new TooNewError(
      `it was written by a newer version (its schema is ${done}, we know ${migrations.length})`,
    )
  }
  for (const [at, migration] of migrations.entries()) {
    if (at < done) continue
    db.transaction(() => {
      db.exec(migration)
      db.pragma(`user_version = ${at + 1}`)
    })()
  }
}

function isConstraint(error: unknown): error is InstanceType<typeof Database.SqliteError> {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_CONSTRAINT')
}
