import type { SqliteDatabase } from '@twinward/sqlite'
import type { GroupStore } from '../../groups/group-store.ts'
import { MAX_GROUPS, type SecurityGroup } from '../../groups/security-group.ts'

/** Groups read at once; the largest ones together stay within what one answer may hold. */
const PAGE_GROUPS = 20

/** Security groups in the file of the security service. */
export class SqliteGroupStore implements GroupStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase` */
  static on(db: SqliteDatabase): SqliteGroupStore {
    return new SqliteGroupStore(db)
  }

  async all(): Promise<readonly SecurityGroup[]> {
    const sql = 'SELECT document FROM security_group WHERE name > ? ORDER BY name LIMIT ?'
    const groups: SecurityGroup[] = []
    while (groups.length < MAX_GROUPS) {
      const rows = await this.#db.read(sql, [groups.at(-1)?.name ?? '', PAGE_GROUPS])
      groups.push(...rows.map(([text]) => JSON.parse(String(text)) as SecurityGroup))
      if (rows.length < PAGE_GROUPS) break
    }
    return groups.slice(0, MAX_GROUPS)
  }

  async put(group: SecurityGroup): Promise<void> {
    const sql = `INSERT INTO security_group (name, document) VALUES (?, ?)
      ON CONFLICT (name) DO UPDATE SET document = excluded.document`
    await this.#db.write([{ sql, params: [group.name, JSON.stringify(group)] }])
  }

  async remove(name: string): Promise<void> {
    await this.#db.write([{ sql: 'DELETE FROM security_group WHERE name = ?', params: [name] }])
  }
}
