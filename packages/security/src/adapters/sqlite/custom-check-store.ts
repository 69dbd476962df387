import type { SqliteDatabase, SqlRow } from '@twinward/sqlite'
import type { CheckSet, CustomCheckStore } from '../../baseline/custom/custom-check-store.ts'
import type { Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import { cutPage } from './list.ts'

/** Sets of custom checks in the file of the security service. */
export class SqliteCustomCheckStore implements CustomCheckStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase` */
  static on(db: SqliteDatabase): SqliteCustomCheckStore {
    return new SqliteCustomCheckStore(db)
  }

  async find(sha256: string): Promise<CheckSet | undefined> {
    const sql = 'SELECT document FROM custom_checks WHERE hash = ?'
    const [row] = await this.#db.read(sql, [sha256])
    return row && parse(row)
  }

  async content(sha256: string): Promise<string | undefined> {
    const sql = 'SELECT content FROM custom_checks WHERE hash = ?'
    const [row] = await this.#db.read(sql, [sha256])
    return row && String(row[0])
  }

  async list({
    limit,
    continuationToken: token,
  }: Parameters<CustomCheckStore['list']>[0]): Promise<Page<CheckSet>> {
    checkLimit(limit)
    const after = token === undefined ? '' : parsePageToken('custom-checks', token).id
    const sql = 'SELECT document FROM custom_checks WHERE hash > ? ORDER BY hash LIMIT ?'
    const { rows, hasMore } = cutPage(await this.#db.read(sql, [after, limit + 1]), limit)
    const items = rows.map(parse)
    const id = items.at(-1)?.sha256 ?? ''
    const next = hasMore ? formatPageToken('custom-checks', { order: 0, id }) : null
    return { items, continuationToken: next }
  }

  async put(set: CheckSet, content: string): Promise<void> {
    const sql = `INSERT INTO custom_checks (hash, document, content) VALUES (?, ?, ?)
      ON CONFLICT (hash) DO UPDATE SET document = excluded.document, content = excluded.content`
    await this.#db.write([{ sql, params: [set.sha256, JSON.stringify(set), content] }])
  }

  async remove(sha256: string): Promise<void> {
    await this.#db.write([{ sql: 'DELETE FROM custom_checks WHERE hash = ?', params: [sha256] }])
  }

  async count(): Promise<number> {
    // Few, by their limit.
    const [row] = await this.#db.read('SELECT count(*) FROM custom_checks', [])
    return Number(row?.[0] ?? 0)
  }
}

function parse([document]: SqlRow): CheckSet {
  return JSON.parse(String(document)) as CheckSet
}
