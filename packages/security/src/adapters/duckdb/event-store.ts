import { setImmediate } from 'node:timers/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import { HubError } from '@twinward/protocol'
import type { EventFilter, EventPage, SecurityEventStore } from '../../data/event-store.ts'
import type { SecurityEvent } from '../../ingestion/record.ts'
import { type EventDatabase, openDatabase } from './database.ts'
import { formatToken, pageQuery } from './query.ts'
import { fromColumns, timestamp, toChunks } from './rows.ts'

/** Queries that may wait for the one connection that reads; one more is turned away. */
const MAX_WAITING_QUERIES = 64
/** A query that takes longer is interrupted. */
const MAX_QUERY_MS = 30_000

/**
 * Raw security events in a DuckDB file of their own. A commit is in the write-ahead log and synced
 * when `append` resolves. One process has the file open at a time: DuckDB locks it.
 */
export class DuckDbEventStore implements SecurityEventStore {
  readonly #file: string
  #database: EventDatabase
  #cursor: number
  /** The end of the chain of writes: they run one after another, in the order of the calls. */
  #lastWrite: Promise<unknown> = Promise.resolve()
  #lastQuery: Promise<unknown> = Promise.resolve()
  #waitingQueries = 0
  #isClosed = false

  private constructor(file: string, database: EventDatabase, cursor: number) {
    this.#file = file
    this.#database = database
    this.#cursor = cursor
  }

  /**
   * Opens the file, or creates it.
   *
   * @throws {Error} in words for the operator, when a newer Twinward wrote the file
   */
  static async open(file: string): Promise<DuckDbEventStore> {
    const database = await openDatabase(file)
    return new DuckDbEventStore(file, database, await readCursor(database.writer))
  }

  async cursor(): Promise<number> {
    return this.#cursor
  }

  async append(events: readonly SecurityEvent[], through: number): Promise<void> {
    const beyond = events.find(({ header }) => header.sequence > through)
    if (beyond) throw new Error(`event ${beyond.header.sequence} lies beyond the cursor ${through}`)
    return this.#write(async (writer) => {
      if (through <= this.#cursor) return
      const fresh = events.filter(({ header }) => header.sequence > this.#cursor)
      await writer.run('BEGIN')
      if (fresh.length > 0) await appendRows(writer, fresh)
      await writer.run('UPDATE EventStoreState SET Cursor = $1', [BigInt(through)])
      await writer.run('COMMIT')
      this.#cursor = through
    })
  }

  async query(filter: EventFilter): Promise<EventPage> {
    const { sql, values } = pageQuery(filter)
    const rows = await this.#read(async (reader) => {
      const result = await reader.runAndReadAll(sql, values)
      return result.getRows()
    })
    const items = rows.slice(0, filter.limit).map(fromColumns)
    const last = items.at(-1)
    const hasMore = last !== undefined && Number(rows[0]?.at(-1)) > items.length
    return { items, continuationToken: hasMore ? formatToken(last) : null }
  }

  expire(beforeMs: number): Promise<number> {
    return this.#write(async (writer) => {
      const sql = 'DELETE FROM SecurityIoTRawEvent WHERE TimeGenerated < $1'
      const { rowsChanged } = await writer.run(sql, [timestamp(beforeMs)])
      // Gives the room of row groups that are gone back to the file.
      if (rowsChanged > 0) await writer.run('CHECKPOINT')
      return rowsChanged
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await Promise.all([this.#lastWrite, this.#lastQuery])
    this.#database.close()
  }

  /** Runs after the writes that were called before; a failure leaves the file as it was. */
  #write<T>(work: (writer: DuckDBConnection) => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(closedError())
    const written = this.#lastWrite.then(async () => {
      try {
        return await work(this.#database.writer)
      } catch (error) {
        await this.#recover()
        throw error
      }
    })
    this.#lastWrite = written.catch(() => {})
    return written
  }

  /**
   * Undoes what a failed write began. After a failed flush or checkpoint DuckDB refuses everything
   * until the file is opened again; what it then holds decides where the cursor is.
   */
  async #recover(): Promise<void> {
    try {
      const { writer } = this.#database
      await writer.run('ROLLBACK').catch(() => {})
      this.#cursor = await readCursor(writer)
    } catch {
      await this.#lastQuery
      this.#database.close()
      this.#database = await openDatabase(this.#file)
      this.#cursor = await readCursor(this.#database.writer)
    }
  }

  #read<T>(work: (reader: DuckDBConnection) => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(closedError())
    if (this.#waitingQueries >= MAX_WAITING_QUERIES) {
      return Promise.reject(new HubError('ServiceUnavailable', 'Too many queries at once.'))
    }
    this.#waitingQueries++
    const answered = this.#lastQuery
      .then(() => withinDeadline(this.#database.reader, work))
      .finally(() => this.#waitingQueries--)
    this.#lastQuery = answered.catch(() => {})
    return answered
  }
}

async function appendRows(writer: DuckDBConnection, events: readonly SecurityEvent[]) {
  const appender = await writer.createAppender('SecurityIoTRawEvent')
  try {
    for (const chunk of toChunks(events)) {
      appender.appendDataChunk(chunk)
      // Whatever waits for the event loop goes in between.
      await setImmediate()
    }
    appender.flushSync()
  } finally {
    appender.closeSync()
  }
}

async function readCursor(connection: DuckDBConnection): Promise<number> {
  const state = await connection.runAndReadAll('SELECT Cursor FROM EventStoreState')
  return Number(state.getRows()[0]?.[0])
}

async function withinDeadline<T>(
  reader: DuckDBConnection,
  work: (reader: DuckDBConnection) => Promise<T>,
): Promise<T> {
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    reader.interrupt()
  }, MAX_QUERY_MS)
  try {
    return await work(reader)
  } catch (error) {
    if (!isLate) throw error
    throw new HubError('ServiceUnavailable', 'The query took too long.', { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

function closedError(): Error {
  return new HubError('ServiceUnavailable', 'The security event store is closed.')
}
