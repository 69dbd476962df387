import type { SqliteDatabase } from '@twinward/sqlite'
import { MAX_GROUPS, type RuleSettingStore } from '../../detection/rule-settings.ts'
import type { RuleSettings } from '../../detection/switches.ts'

/** What operators set for rules, in the file of the security service. */
export class SqliteRuleSettingStore implements RuleSettingStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase` */
  static on(db: SqliteDatabase): SqliteRuleSettingStore {
    return new SqliteRuleSettingStore(db)
  }

  async all(): Promise<readonly (readonly [string, RuleSettings])[]> {
    const sql = 'SELECT group_name, document FROM rule_setting ORDER BY group_name LIMIT ?'
    const rows = await this.#db.read(sql, [MAX_GROUPS])
    return rows.map(([group, text]) => [String(group), JSON.parse(String(text)) as RuleSettings])
  }

  async put(group: string, settings: RuleSettings): Promise<void> {
    if (Object.keys(settings).length === 0) {
      const sql = 'DELETE FROM rule_setting WHERE group_name = ?'
      await this.#db.write([{ sql, params: [group] }])
      return
    }
    const sql = `INSERT INTO rule_setting (group_name, document) VALUES (?, ?)
      ON CONFLICT (group_name) DO UPDATE SET document = excluded.document`
    await this.#db.write([{ sql, params: [group, JSON.stringify(settings)] }])
  }
}
