import type { DeviceRef } from '@twinward/protocol'
import type { SqliteDatabase, SqlRow, Statement } from '@twinward/sqlite'
import type {
  EventLog,
  LogAppend,
  LogRecord,
  StampedMessage,
  StreamName,
} from '../../messages/event-log.ts'
import type { HubDatabaseOptions } from './hub-database.ts'
import { openMessageDatabase } from './message-database.ts'
import { PendingAppends, tooManyWait } from './pending-appends.ts'

/** Bodies and headers that one `read` returns, in bytes; the record that reaches it is the last. */
const MAX_READ_BYTES = 4 * 1024 * 1024
/** Rows that one transaction deletes, so that appends come in between. */
const DELETE_CHUNK_ROWS = 2000

const READ = `SELECT sequence, device_id, module_id, enqueued_ms, headers, body FROM event
  WHERE stream = ? AND partition = ? AND sequence > ? ORDER BY sequence LIMIT ?`
const TRIM = `DELETE FROM event WHERE id IN (SELECT id FROM event
  WHERE stream = ? AND partition = ? AND sequence <= ? LIMIT ${DELETE_CHUNK_ROWS})`
const EXPIRE = `DELETE FROM event WHERE id IN (SELECT id FROM event
  WHERE stream = ? AND enqueued_ms < ? LIMIT ${DELETE_CHUNK_ROWS})`
const KEEP_HEAD = 'UPDATE event_head SET sequence = ? WHERE stream = ? AND partition = ?'
const HEADS = `SELECT stream, partition, max(sequence, coalesce((SELECT max(sequence) FROM event
  WHERE event.stream = head.stream AND event.partition = head.partition), 0))
  FROM event_head AS head`

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
    const heads = new Map<string, Head>()
    for (const [stream, partition, sequence] of await db.read(HEADS, [])) {
      const head: Head = {
        stream: String(stream),
        partition: Number(partition),
        sequence: Number(sequence),
      }
      heads.set(`${stream}/${partition}`, head)
    }
    return new SqliteEventLog(db, heads)
  }

  append(stream: StreamName, partition: number, message: StampedMessage): Promise<number> {
    const pending = this.#pending ?? this.#gather()
    let head = this.#heads.get(`${stream}/${partition}`)
    if (!head) {
      head = { stream, partition, sequence: 0 }
      this.#heads.set(`${stream}/${partition}`, head)
      pending.addPartition(stream, partition)
    }
    return pending.append(head, message)
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
    const rows = await this.#db.read(READ, [stream, partition, after, limit], MAX_READ_BYTES)
    return rows.map(toRecord)
  }

  async trim(stream: StreamName, partition: number, through: number): Promise<void> {
    const head = this.#heads.get(`${stream}/${partition}`)
    if (!head) return
    await this.#delete([head], { sql: TRIM, params: [stream, partition, through] })
  }

  async expire(stream: StreamName, beforeMs: number): Promise<number> {
    const heads = [...this.#heads.values()].filter((head) => head.stream === stream)
    return this.#delete(heads, { sql: EXPIRE, params: [stream, beforeMs] })
  }

  async head(stream: StreamName, partition: number): Promise<number> {
    return this.#heads.get(`${stream}/${partition}`)?.sequence ?? 0
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  #gather(): PendingAppends {
    const pending = new PendingAppends(() => {
      if (this.#pending === pending) this.#pending = undefined
    })
    this.#pending = pending
    this.#db.defer(pending)
    return pending
  }

  /** Deletes in chunks; the heads go first, because without the rows nothing else remembers them. */
  async #delete(heads: readonly Head[], chunk: Statement): Promise<number> {
    const keep = heads.map(({ stream, partition, sequence }) => ({
      sql: KEEP_HEAD,
      params: [sequence, stream, partition],
    }))
    let deleted = 0
    for (;;) {
      const results = await this.#db.write([...keep, chunk])
      const { changes = 0 } = results.at(-1) ?? {}
      deleted += changes
      if (changes < DELETE_CHUNK_ROWS) return deleted
    }
  }
}

/** The greatest sequence given out in a partition. */
export interface Head {
  readonly stream: string
  readonly partition: number
  sequence: number
}

function toRecord(row: SqlRow): LogRecord {
  const [sequence, deviceId, moduleId, enqueuedMs, headers, body] = row
  const ref: DeviceRef = {
    deviceId: String(deviceId),
    ...(moduleId !== '' && { moduleId: String(moduleId) }),
  }
  const message = {
    ref,
    ...JSON.parse(String(headers)),
    body: body as Uint8Array,
    enqueuedTimeMs: Number(enqueuedMs),
  } as StampedMessage
  return { sequence: Number(sequence), message }
}
