import type { SqliteDatabase } from '@twinward/sqlite'
import type { TypeSwitchStore } from '../../recommendations/switches.ts'

/** Names that are read: there are as many as there are types. */
const MAX_NAMES = 1_000

/** Which recommendations are off, in the file of the security service. */
export class SqliteTypeSwitchStore implements TypeSwitchStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase` */
  static on(db: SqliteDatabase): SqliteTypeSwitchStore {
    return new SqliteTypeSwitchStore(db)
  }

  async disabledTypes(): Promise<readonly string[]> {
    const sql = 'SELECT name FROM disabled_recommendation ORDER BY name LIMIT ?'
    const rows = await this.#db.read(sql, [MAX_NAMES])
    return rows.map(([name]) => String(name))
  }

  async setDisabled(name: string, isDisabled: boolean): Promise<void> {
    const sql = isDisabled
      ? 'INSERT INTO disabled_recommendation (name) VALUES (?) ON CONFLICT DO NOTHING'
      : 'DELETE FROM disabled_recommendation WHERE name = ?'
    await this.#db.write([{ sql, params: [name] }])
  }
}
