import type { SqliteDatabase, SqlRow, Statement } from '@twinward/sqlite'
import { MAX_PAGE_CHARACTERS } from '../../data/finding-limits.ts'
import type { Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import type {
  IndicatorFilter,
  IndicatorStore,
  StoredIndicator,
} from '../../detection/indicators/indicator-store.ts'
import { cutPage } from './list.ts'

const PUT = `INSERT INTO indicator (id, kind, source, expires_ms, document) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET
    kind = excluded.kind, source = excluded.source, expires_ms = excluded.expires_ms,
    document = excluded.document`

/** Indicators in the file of the security service. */
export class SqliteIndicatorStore implements IndicatorStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase` */
  static on(db: SqliteDatabase): SqliteIndicatorStore {
    return new SqliteIndicatorStore(db)
  }

  async find(id: string): Promise<StoredIndicator | undefined> {
    const [row] = await this.#db.read('SELECT document FROM indicator WHERE id = ?', [id])
    return row && parse(row)
  }

  async list(filter: IndicatorFilter): Promise<Page<StoredIndicator>> {
    const { kind, source, limit, continuationToken: token } = filter
    checkLimit(limit)
    const after = token === undefined ? '' : parsePageToken('indicators', token).id
    const asked = [
      ...(kind === undefined ? [] : [['kind = ?', kind] as const]),
      ...(source === undefined ? [] : [['source = ?', source] as const]),
    ]
    const where = ['id > ?', ...asked.map(([condition]) => condition)].join(' AND ')
    const sql = `SELECT document FROM indicator WHERE ${where} ORDER BY id LIMIT ?`
    const params = [after, ...asked.map(([, value]) => value), limit + 1]
    const { rows, hasMore } = cutPage(await this.#db.read(sql, params, MAX_PAGE_CHARACTERS), limit)
    const items = rows.map(parse)
    const last = items.at(-1)
    const next = hasMore && last ? formatPageToken('indicators', { order: 0, id: last.id }) : null
    return { items, continuationToken: next }
  }

  async count(): Promise<number> {
    const [row] = await this.#db.read('SELECT count FROM indicator_count', [])
    return Number(row?.[0] ?? 0)
  }

  async put(indicators: readonly StoredIndicator[]): Promise<void> {
    const statements = indicators.map(
      (one): Statement => ({
        sql: PUT,
        params: [one.id, one.kind, one.source, one.expiresMs, JSON.stringify(one)],
      }),
    )
    if (statements.length > 0) await this.#db.write(statements)
  }

  async remove(id: string): Promise<void> {
    await this.#db.write([{ sql: 'DELETE FROM indicator WHERE id = ?', params: [id] }])
  }

  async removeSource(source: string): Promise<void> {
    await this.#db.write([{ sql: 'DELETE FROM indicator WHERE source = ?', params: [source] }])
  }

  async removeExpired(throughMs: number): Promise<void> {
    const sql = 'DELETE FROM indicator WHERE expires_ms > 0 AND expires_ms <= ?'
    await this.#db.write([{ sql, params: [throughMs] }])
  }
}

function parse([document]: SqlRow): StoredIndicator {
  return JSON.parse(String(document)) as StoredIndicator
}
