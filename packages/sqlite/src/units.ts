import type { DeferredUnit, SqlRow, SqlValue, Statement, StatementResult } from './database.ts'
import { ConstraintError, StoreBusyError } from './errors.ts'
import { DEFERRED, DONE, type MessageReader, READ, ValuePacker, WRITE } from './messages.ts'

/** How many different SQL texts a program may use: they are constants, and all stay prepared. */
const MAX_SQL_TEXTS = 1000

/** Numbers SQL texts, so that each crosses to the worker once. */
export class SqlTexts {
  readonly #numbers = new Map<string, number>()
  #unsent: string[] = []

  /** @throws {Error} when texts are made up at run time instead of being constants */
  number(sql: string): number {
    const known = this.#numbers.get(sql)
    if (known !== undefined) return known
    if (this.#numbers.size >= MAX_SQL_TEXTS) throw new Error('Too many different SQL texts.')
    this.#numbers.set(sql, this.#numbers.size)
    this.#unsent.push(sql)
    return this.#numbers.size - 1
  }

  takeUnsent(): readonly string[] {
    const unsent = this.#unsent
    if (unsent.length > 0) this.#unsent = []
    return unsent
  }
}

/** The message of a group while it is put together. */
export class GroupWriter {
  readonly shape: number[] = []
  readonly values = new ValuePacker()
  readonly #texts: SqlTexts

  constructor(texts: SqlTexts) {
    this.#texts = texts
  }

  statement(sql: string, params: SqlRow): void {
    this.shape.push(this.#texts.number(sql), params.length)
    this.values.pushAll(params)
  }
}

/** What waits for a commit. `settle` reads exactly what the worker answered to what `send` wrote. */
export interface Unit {
  send(group: GroupWriter): void
  settle(reply: MessageReader): void
  fail(error: Error): void
}

export class WriteUnit implements Unit {
  readonly #statements: readonly Statement[]
  readonly #resolve: (results: readonly StatementResult[]) => void
  readonly fail: (error: Error) => void

  constructor(
    statements: readonly Statement[],
    resolve: (results: readonly StatementResult[]) => void,
    reject: (error: Error) => void,
  ) {
    this.#statements = statements
    this.#resolve = resolve
    this.fail = reject
  }

  send(group: GroupWriter): void {
    group.shape.push(WRITE, this.#statements.length)
    for (const { sql, params } of this.#statements) group.statement(sql, params)
  }

  settle(reply: MessageReader): void {
    if (reply.number() !== DONE) {
      const statement = reply.number()
      const [code, message] = reply.row(2)
      this.fail(new ConstraintError(String(code), String(message), statement))
      return
    }
    const results: StatementResult[] = []
    for (let i = 0; i < this.#statements.length; i++) {
      const changes = reply.number()
      const rowCount = reply.number()
      results.push({ changes, rows: reply.rows(rowCount, reply.number()) })
    }
    this.#resolve(results)
  }
}

export class ReadUnit implements Unit {
  readonly #statement: Statement
  readonly #maxBytes: number
  readonly #resolve: (rows: readonly SqlRow[]) => void
  readonly fail: (error: Error) => void

  constructor(
    query: Statement & { readonly maxBytes: number },
    resolve: (rows: readonly SqlRow[]) => void,
    reject: (error: Error) => void,
  ) {
    this.#statement = query
    this.#maxBytes = query.maxBytes
    this.#resolve = resolve
    this.fail = reject
  }

  send(group: GroupWriter): void {
    group.shape.push(READ)
    group.statement(this.#statement.sql, this.#statement.params)
    group.shape.push(this.#maxBytes)
  }

  settle(reply: MessageReader): void {
    const rowCount = reply.number()
    this.#resolve(reply.rows(rowCount, reply.number()))
  }
}

export class LateUnit implements Unit {
  readonly #unit: DeferredUnit

  constructor(unit: DeferredUnit) {
    this.#unit = unit
  }

  send(group: GroupWriter): void {
    const at = group.shape.push(DEFERRED, 0) - 1
    let count = 0
    this.#unit.statements((sql, params) => {
      group.statement(sql, params)
      count++
    })
    group.shape[at] = count
  }

  settle(reply: MessageReader): void {
    this.#unit.committed(reply.number())
  }

  fail(error: Error): void {
    this.#unit.failed(error)
  }
}

/** Units of the group that gathers; as many again may be committing. */
export const MAX_WAITING_UNITS = 100_000
/** Bytes (UTF-16 code units of text count as one) of the params of the group that gathers. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024

/** What gathers while another group commits. */
export class WaitingUnits {
  #units: Unit[] = []
  #bytes = 0

  get isEmpty(): boolean {
    return this.#units.length === 0
  }

  /** @throws {StoreBusyError} at the limits; one unit alone always fits */
  makeRoom(bytes: number): void {
    const isFull =
      this.#units.length >= MAX_WAITING_UNITS || this.#bytes + bytes > MAX_WAITING_BYTES
    if (isFull && !this.isEmpty) throw new StoreBusyError('Too much waits for the disk.')
    this.#bytes += bytes
  }

  add(unit: Unit): void {
    this.#units.push(unit)
  }

  takeAll(): Unit[] {
    const units = this.#units
    this.#units = []
    this.#bytes = 0
    return units
  }
}

export function sizeOf(params: SqlRow): number {
  let bytes = 0
  for (const value of params) bytes += sizeOfValue(value)
  return bytes
}

/** What a value costs to keep; 8 for numbers. */
export function sizeOfValue(value: SqlValue): number {
  if (typeof value === 'string') return value.length
  return value instanceof Uint8Array ? value.byteLength : 8
}
