import type { SqliteDatabase } from '@twinward/sqlite'
import type { RoutingDocument } from '../../routing/routing-document.ts'
import type { RoutingStore, StoredRouting } from '../../routing/routing-store.ts'

const FIND = 'SELECT etag, document FROM routing'
const INSERT = 'INSERT INTO routing (id, etag, document) VALUES (1, ?, ?) ON CONFLICT DO NOTHING'
const REPLACE = 'UPDATE routing SET etag = ?, document = ? WHERE etag = ?'
const NEXT_EPOCH = 'UPDATE routing_epoch SET epoch = epoch + 1 RETURNING epoch'

/** The routing document in table `routing`. */
export class SqliteRoutingStore implements RoutingStore {
  readonly #db: SqliteDatabase

  /** @param db  of `openHubDatabase`, which others may use beside it */
  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async find(): Promise<StoredRouting | undefined> {
    const [row] = await this.#db.read(FIND, [])
    if (!row) return undefined
    const [etag, document] = row
    return { etag: Number(etag), document: JSON.parse(String(document)) as RoutingDocument }
  }

  async put({ etag, document }: StoredRouting): Promise<boolean> {
    const text = JSON.stringify(document)
    const write =
      etag === 1
        ? { sql: INSERT, params: [1, text] }
        : { sql: REPLACE, params: [etag, text, etag - 1] }
    const [result] = await this.#db.write([write])
    return result?.changes === 1
  }

  async nextEpoch(): Promise<number> {
    const [result] = await this.#db.write([{ sql: NEXT_EPOCH, params: [] }])
    return Number(result?.rows[0]?.[0] ?? 0)
  }
}
