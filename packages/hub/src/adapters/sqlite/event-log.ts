import type { SqliteDatabase } from '@twinward/sqlite'
import type {
  EventLog,
  LogAppend,
  LogRecord,
  PartitionState,
  StampedMessage,
  StreamName,
} from '../../messages/event-log.ts'
import { oldestRecords, type PartitionSizes } from '../../messages/oldest-first.ts'
import {
  DELETE_CHUNK_ROWS,
  type Doomed,
  deletion,
  FIRST,
  FIRST_LATE_SINCE,
  FIRST_SINCE,
  HEADS,
  type Head,
  LAST,
  LAST_BEFORE,
  READ,
  SIZES,
  toHead,
  toRecord,
} from './event-statements.ts'
import type { HubDatabaseOptions } from './hub-database.ts'
import { openMessageDatabase } from './message-database.ts'
import { PendingAppends, tooManyWait } from './pending-appends.ts'
import { Tail } from './tail.ts'

/** Bodies and headers that one `read` returns, in bytes; the record that reaches it is the last. */
const MAX_READ_BYTES = 4 * 1024 * 1024

/** The event log in table `event`; sequences are given out here, in the order of the calls. */
export class SqliteEventLog implements EventLog {
  readonly #db: SqliteDatabase
  readonly #heads: Map<string, Head>
  #pending: PendingAppends | undefined

  private constructor(db: SqliteDatabase, heads: Map<string, Head>) {
    this.#db = db
    this.#heads = heads
  }

  /** A log with a database of its own. @throws as `openSqlite` */
  static async open(options: HubDatabaseOptions): Promise<SqliteEventLog> {
    return SqliteEventLog.on(await openMessageDatabase(options))
  }

  /** @param db  of `openMessageDatabase`, which others may use beside it */
  static async on(db: SqliteDatabase): Promise<SqliteEventLog> {
    const heads = (await db.read(HEADS, [])).map(toHead)
    return new SqliteEventLog(db, new Map(heads.map((head) => [keyOf(head), head])))
  }

  append(stream: StreamName, partition: number, message: StampedMessage): Promise<number> {
    const pending = this.#pending ?? this.#gather()
    let head = this.#heads.get(keyOf({ stream, partition }))
    if (!head) {
      head = { stream, partition, sequence: 0, bytes: 0, latestMs: 0, addedBytes: 0 }
      this.#heads.set(keyOf(head), head)
      pending.addPartition(stream, partition)
    }
    const appended = pending.append(head, message)
    if (head.tail) follow(head, head.tail, { appended, message })
    return appended
  }

  appendAll(appends: readonly LogAppend[]): Promise<readonly number[]> {
    const pending = this.#pending ?? this.#gather()
    if (!pending.takes(appends)) return Promise.reject(tooManyWait())
    // What is appended in one turn is in one transaction.
    return Promise.all(
      appends.map((each) => this.append(each.stream, each.partition, each.message)),
    )
  }

  async read(
    stream: StreamName,
    partition: number,
    after: number,
    limit: number,
  ): Promise<readonly LogRecord[]> {
    const head = this.#heads.get(keyOf({ stream, partition }))
    if (head?.tail?.covers(after)) {
      await head.lastAppend?.catch(() => {})
      // Meanwhile it may have been given up.
      if (head.tail?.covers(after)) return head.tail.read(after, limit)
    }
    if (head) head.tail ??= new Tail(head.sequence)
    const rows = await this.#db.read(READ, [stream, partition, after, limit], MAX_READ_BYTES)
    return rows.map(toRecord)
  }

  async trim(stream: StreamName, partition: number, through: number): Promise<void> {
    const head = this.#heads.get(keyOf({ stream, partition }))
    if (head) await this.#delete(head, 'through', through)
  }

  async expire(stream: StreamName, beforeMs: number): Promise<number> {
    let expired = 0
    for (const head of this.#of(stream)) {
      expired += await this.#delete(head, 'expired', beforeMs)
      expired += await this.#delete(head, 'expired-late', beforeMs)
    }
    return expired
  }

  async shrink(stream: StreamName, maxBytes: number): Promise<number> {
    let removed = 0
    for (;;) {
      const excess = this.size(stream) - maxBytes
      if (excess <= 0) return removed
      const sizes = await Promise.all(this.#of(stream).map((head) => this.#oldestSizes(head)))
      const removals = oldestRecords(sizes, excess)
      for (const { partition, through, count } of removals) {
        await this.trim(stream, partition, through)
        removed += count
      }
      if (removals.length === 0) return removed
    }
  }

  size(stream: StreamName): number {
    let sum = 0
    for (const head of this.#heads.values()) if (head.stream === stream) sum += head.bytes
    return sum
  }

  async state(stream: StreamName, partition: number): Promise<PartitionState> {
    const lastSequence = this.#heads.get(keyOf({ stream, partition }))?.sequence ?? 0
    const [[first], [last]] = await Promise.all([
      this.#db.read(FIRST, [stream, partition]),
      this.#db.read(LAST, [stream, partition]),
    ])
    return {
      firstSequence: first ? Number(first[0]) : lastSequence + 1,
      lastSequence,
      lastEnqueuedMs: Number(last?.[0] ?? 0),
      isEmpty: !first,
    }
  }

  async sequenceBefore(stream: StreamName, partition: number, timeMs: number): Promise<number> {
    const [[inOrder], [late]] = await Promise.all([
      this.#db.read(FIRST_SINCE, [stream, partition, timeMs]),
      this.#db.read(FIRST_LATE_SINCE, [stream, partition, timeMs, timeMs]),
    ])
    const next = Math.min(
      Number(inOrder?.[0] ?? Number.MAX_SAFE_INTEGER),
      Number(late?.[0] ?? Number.MAX_SAFE_INTEGER),
    )
    const [before] = await this.#db.read(LAST_BEFORE, [stream, partition, next])
    return Number(before?.[0] ?? 0)
  }

  async head(stream: StreamName, partition: number): Promise<number> {
    return this.#heads.get(keyOf({ stream, partition }))?.sequence ?? 0
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  #of(stream: StreamName): readonly Head[] {
    return [...this.#heads.values()].filter((head) => head.stream === stream)
  }

  #gather(): PendingAppends {
    const pending = new PendingAppends(() => {
      if (this.#pending === pending) this.#pending = undefined
    })
    this.#pending = pending
    this.#db.defer(pending)
    return pending
  }

  async #oldestSizes({ stream, partition }: Head): Promise<PartitionSizes> {
    const rows = await this.#db.read(SIZES, [stream, partition])
    const records = rows.map(([sequence, enqueuedMs, bytes]) => ({
      sequence: Number(sequence),
      enqueuedTimeMs: Number(enqueuedMs),
      bytes: Number(bytes),
    }))
    return { partition, records, hasMore: records.length === DELETE_CHUNK_ROWS }
  }

  /** Deletes in chunks, so that appends come in between. @returns how many rows went */
  async #delete(head: Head, doomed: Doomed, bound: number): Promise<number> {
    let deleted = 0
    for (;;) {
      const deleting = this.#db.write(deletion(head, doomed, bound))
      // What is deleted is in it, maybe.
      head.tail = undefined
      const results = await deleting
      head.tail = undefined
      head.bytes -= Number(results[0]?.rows[0]?.[0] ?? 0)
      const { changes = 0 } = results.at(-1) ?? {}
      deleted += changes
      if (changes < DELETE_CHUNK_ROWS) return deleted
    }
  }
}

/** Puts what was appended into the tail once it is durable, before anybody is told. */
function follow(
  head: Head,
  tail: Tail,
  { appended, message }: { appended: Promise<number>; message: StampedMessage },
): void {
  head.lastAppend = appended
  appended.then(
    (sequence) => {
      if (!tail.push(sequence, message) && head.tail === tail) head.tail = undefined
    },
    () => {},
  )
}

function keyOf({ stream, partition }: Pick<Head, 'stream' | 'partition'>): string {
  return `${stream}/${partition}`
}
