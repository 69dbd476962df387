import type { SqliteDatabase, Statement } from '@twinward/sqlite'
import { MAX_RULES } from '../../detection/sigma/limits.ts'
import type { SigmaStore, StoredSigmaRule } from '../../detection/sigma/sigma-store.ts'

const PUT = `INSERT INTO sigma_rule (id, document) VALUES (?, ?)
  ON CONFLICT (id) DO UPDATE SET document = excluded.document`

/** Sigma rules in the file of the security service. */
export class SqliteSigmaStore implements SigmaStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase` */
  static on(db: SqliteDatabase): SqliteSigmaStore {
    return new SqliteSigmaStore(db)
  }

  async all(): Promise<readonly StoredSigmaRule[]> {
    const sql = 'SELECT document FROM sigma_rule ORDER BY id LIMIT ?'
    const rows = await this.#db.read(sql, [MAX_RULES])
    return rows.map(([document]) => JSON.parse(String(document)) as StoredSigmaRule)
  }

  async put(rules: readonly StoredSigmaRule[]): Promise<void> {
    const statements = rules.map(
      (rule): Statement => ({ sql: PUT, params: [rule.id, JSON.stringify(rule)] }),
    )
    if (statements.length > 0) await this.#db.write(statements)
  }

  async remove(ids: readonly string[]): Promise<void> {
    const sql = 'DELETE FROM sigma_rule WHERE id = ?'
    const statements = ids.map((id): Statement => ({ sql, params: [id] }))
    if (statements.length > 0) await this.#db.write(statements)
  }
}
