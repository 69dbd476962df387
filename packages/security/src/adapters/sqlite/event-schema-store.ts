import type { SqliteDatabase } from '@twinward/sqlite'
import {
  type EventSchema,
  type EventSchemaStore,
  MAX_EVENT_SCHEMAS,
} from '../../ingestion/event-schemas.ts'

/** Schemas of custom events, in the file of the security service. */
export class SqliteEventSchemaStore implements EventSchemaStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase` */
  static on(db: SqliteDatabase): SqliteEventSchemaStore {
    return new SqliteEventSchemaStore(db)
  }

  async list(): Promise<readonly EventSchema[]> {
    const sql = 'SELECT document FROM event_schema ORDER BY name LIMIT ?'
    const rows = await this.#db.read(sql, [MAX_EVENT_SCHEMAS])
    return rows.map(([document]) => JSON.parse(String(document)) as EventSchema)
  }

  async put(schema: EventSchema): Promise<void> {
    const sql = `INSERT INTO event_schema (name, document) VALUES (?, ?)
      ON CONFLICT (name) DO UPDATE SET document = excluded.document`
    await this.#db.write([{ sql, params: [schema.name, JSON.stringify(schema)] }])
  }

  async remove(name: string): Promise<void> {
    await this.#db.write([{ sql: 'DELETE FROM event_schema WHERE name = ?', params: [name] }])
  }
}
