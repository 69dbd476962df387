import { openSqlite, type SqliteDatabase, type SqliteOptions, type SqlRow } from '@twinward/sqlite'
import type { SecurityMessage } from '../../platform.ts'

/** Bodies and properties that may wait; a full inbox takes nothing, so that the hub keeps it. */
export const MAX_INBOX_BYTES = 256 * 1024 * 1024
/** What one `read` returns at most, in bytes. */
const MAX_READ_BYTES = 4 * 1024 * 1024
/** Rows that one transaction deletes, so that others come in between. */
const DELETE_CHUNK_ROWS = 2_000

const MIGRATIONS: readonly string[] = [
  `CREATE TABLE message (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    size_bytes INTEGER NOT NULL,
    headers    TEXT NOT NULL,
    body       BLOB NOT NULL
  ) STRICT;
  CREATE TABLE place (
    feed      TEXT PRIMARY KEY NOT NULL,
    "offset"  TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;`,
]

const ADD = 'INSERT INTO message (size_bytes, headers, body) VALUES (?, ?, ?)'
const PLACE = `INSERT INTO place VALUES (?, ?)
  ON CONFLICT (feed) DO UPDATE SET "offset" = excluded."offset"`
const READ =
  'SELECT sequence, headers, body FROM message WHERE sequence > ? ORDER BY sequence LIMIT ?'
const FORGET = `DELETE FROM message WHERE sequence IN (SELECT sequence FROM message
  WHERE sequence <= ? ORDER BY sequence LIMIT ${DELETE_CHUNK_ROWS}) RETURNING size_bytes`

/** A message as it comes from a feed, before the inbox gives it a place of its own. */
export type FeedMessage = Omit<SecurityMessage, 'sequence'>

/**
 * Security messages of another hub, from the moment they are ours until they are processed, in a file.
 * A message and the place up to which its feed was read are stored together, so that a crash neither
 * loses nor doubles one.
 */
export class Inbox {
  readonly #db: SqliteDatabase
  readonly #places: Map<string, string>
  #bytes: number

  private constructor(db: SqliteDatabase, places: Map<string, string>, bytes: number) {
    this.#db = db
    this.#places = places
    this.#bytes = bytes
  }

  /** @throws as `openSqlite` */
  static async open(options: Omit<SqliteOptions, 'migrations'>): Promise<Inbox> {
    const db = await openSqlite({ ...options, migrations: MIGRATIONS })
    const places = await db.read('SELECT feed, "offset" FROM place', [])
    const [size] = await db.read('SELECT coalesce(sum(size_bytes), 0) FROM message', [])
    return new Inbox(
      db,
      new Map(places.map(([feed, offset]) => [String(feed), String(offset)])),
      Number(size?.[0]),
    )
  }

  get isFull(): boolean {
    return this.#bytes >= MAX_INBOX_BYTES
  }

  /** The offset up to which a feed was read; `undefined` when never. */
  placeOf(feed: string): string | undefined {
    return this.#places.get(feed)
  }

  /** Takes the messages of a feed up to `offset`; resolves when both would survive a crash. */
  async add(feed: string, offset: string, messages: readonly FeedMessage[]): Promise<void> {
    const rows = messages.map(toRow)
    await this.#db.write([
      ...rows.map((params) => ({ sql: ADD, params })),
      { sql: PLACE, params: [feed, offset] },
    ])
    this.#places.set(feed, offset)
    this.#bytes += rows.reduce((sum, [sizeBytes]) => sum + Number(sizeBytes), 0)
  }

  /** Up to `limit` messages after `after`, oldest first. */
  async read(after: number, limit: number): Promise<readonly SecurityMessage[]> {
    const rows = await this.#db.read(READ, [after, limit], MAX_READ_BYTES)
    return rows.map(([sequence, headers, body]) => ({
      ...(JSON.parse(String(headers)) as Omit<FeedMessage, 'body'>),
      body: body as Uint8Array,
      sequence: Number(sequence),
    }))
  }

  /** Removes everything up to `through`. */
  async forget(through: number): Promise<void> {
    for (;;) {
      const [result] = await this.#db.write([{ sql: FORGET, params: [through] }])
      const rows = result?.rows ?? []
      this.#bytes -= rows.reduce((sum, [sizeBytes]) => sum + Number(sizeBytes), 0)
      if (rows.length < DELETE_CHUNK_ROWS) return
    }
  }

  close(): Promise<void> {
    return this.#db.close()
  }
}

function toRow({ body, ...headers }: FeedMessage): SqlRow {
  const text = JSON.stringify(headers)
  return [body.byteLength + text.length, text, body]
}
