import Database from 'better-sqlite3'
import type { SqlRow, SqlValue } from './database.ts'
import type { QueryMessage } from './messages.ts'
import { sizeOf } from './units.ts'

/** Pages a query keeps in memory, as KiB. */
const PAGE_CACHE_KIB = 16 * 1024
/** Texts that stay prepared; the least recently used leave first. */
const MAX_PREPARED = 100
/** A checkpoint may hold a lock for a moment. */
const BUSY_TIMEOUT_MS = 5000

type Prepared = Database.Statement<SqlValue[]>

/** What SQL may call: pure, with texts, numbers and null in and out. */
export type QueryFunctions = Readonly<Record<string, (...values: SqlValue[]) => SqlValue>>

/** The query worker's side: a connection that can only read. */
export class QueryConnection {
  readonly #db: Database.Database
  readonly #prepared = new Map<string, Prepared>()

  constructor(file: string, functions: QueryFunctions) {
    this.#db = new Database(file, { readonly: true, timeout: BUSY_TIMEOUT_MS })
    this.#db.pragma(`cache_size = -${PAGE_CACHE_KIB}`)
    for (const [name, call] of Object.entries(functions)) {
      this.#db.function(name, { deterministic: true, varargs: true }, (...values) =>
        call(...(values as SqlValue[])),
      )
    }
  }

  /** Each query sees what was committed when it began. */
  run({ sql, params, maxBytes }: QueryMessage): SqlRow[] {
    const rows: SqlRow[] = []
    let bytes = 0
    const found = this.#statement(sql).iterate(...params) as IterableIterator<unknown>
    for (const row of found) {
      rows.push(row as SqlRow)
      bytes += sizeOf(row as SqlRow)
      if (bytes >= maxBytes) break
    }
    return rows
  }

  close(): void {
    this.#db.close()
  }

  #statement(sql: string): Prepared {
    const known = this.#prepared.get(sql)
    this.#prepared.delete(sql)
    const statement = known ?? this.#db.prepare<SqlValue[]>(sql).raw(true)
    this.#prepared.set(sql, statement)
    if (this.#prepared.size > MAX_PREPARED) {
      for (const oldest of this.#prepared.keys()) {
        this.#prepared.delete(oldest)
        break
      }
    }
    return statement
  }
}
