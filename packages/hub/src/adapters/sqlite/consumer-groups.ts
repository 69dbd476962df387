import { ConstraintError, type SqliteDatabase, type SqlRow } from '@twinward/sqlite'
import {
  type ConsumerGroup,
  type ConsumerGroupStore,
  MAX_CONSUMER_GROUPS,
} from '../../messages/consumer-group-store.ts'

const LIST = `SELECT name, created_ms FROM consumer_group ORDER BY name LIMIT ${MAX_CONSUMER_GROUPS}`
const FIND = 'SELECT name, created_ms FROM consumer_group WHERE name = ?'
const INSERT = `INSERT INTO consumer_group (name, created_ms) SELECT ?, ?
  WHERE (SELECT count(*) FROM consumer_group) < ${MAX_CONSUMER_GROUPS}`
const REMOVE = 'DELETE FROM consumer_group WHERE name = ?'

/** The groups of event readers in table `consumer_group`. */
export class SqliteConsumerGroups implements ConsumerGroupStore {
  readonly #db: SqliteDatabase

  /** @param db  of `openHubDatabase`, which others may use beside it */
  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async list(): Promise<readonly ConsumerGroup[]> {
    return (await this.#db.read(LIST, [])).map(toGroup)
  }

  async find(name: string): Promise<ConsumerGroup | undefined> {
    const [row] = await this.#db.read(FIND, [name])
    return row && toGroup(row)
  }

  async insert({ name, createdMs }: ConsumerGroup): Promise<'inserted' | 'taken' | 'full'> {
    try {
      const [result] = await this.#db.write([{ sql: INSERT, params: [name, createdMs] }])
      if (result?.changes === 1) return 'inserted'
    } catch (error) {
      if (error instanceof ConstraintError) return 'taken'
      throw error
    }
    return (await this.find(name)) ? 'taken' : 'full'
  }

  async remove(name: string): Promise<boolean> {
    const [result] = await this.#db.write([{ sql: REMOVE, params: [name] }])
    return result?.changes === 1
  }
}

function toGroup([name, createdMs]: SqlRow): ConsumerGroup {
  return { name: String(name), createdMs: Number(createdMs) }
}
