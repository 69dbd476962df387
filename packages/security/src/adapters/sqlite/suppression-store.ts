import type { SqliteDatabase } from '@twinward/sqlite'
import type { Suppression } from '../../detection/suppressions/suppression.ts'
import {
  MAX_SUPPRESSIONS,
  type SuppressionStore,
} from '../../detection/suppressions/suppression-store.ts'

/** Suppressions in the file of the security service. */
export class SqliteSuppressionStore implements SuppressionStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase` */
  static on(db: SqliteDatabase): SqliteSuppressionStore {
    return new SqliteSuppressionStore(db)
  }

  async all(): Promise<readonly Suppression[]> {
    const sql = 'SELECT document FROM suppression ORDER BY created_ms, id LIMIT ?'
    const rows = await this.#db.read(sql, [MAX_SUPPRESSIONS])
    return rows.map(([document]) => JSON.parse(String(document)) as Suppression)
  }

  async put(suppression: Suppression): Promise<void> {
    const sql = `INSERT INTO suppression (id, created_ms, document) VALUES (?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET
        created_ms = excluded.created_ms, document = excluded.document`
    const { id, createdMs } = suppression
    await this.#db.write([{ sql, params: [id, createdMs, JSON.stringify(suppression)] }])
  }

  async remove(id: string): Promise<void> {
    await this.#db.write([{ sql: 'DELETE FROM suppression WHERE id = ?', params: [id] }])
  }
}
