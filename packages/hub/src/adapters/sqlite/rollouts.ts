import type { SqliteDatabase } from '@twinward/sqlite'
import type { Rollout } from '../../rollouts/rollout.ts'
import type { RolloutStore } from '../../rollouts/rollout-store.ts'

const LIST = 'SELECT rollout FROM rollout ORDER BY id'
const SAVE = `INSERT INTO rollout (id, rollout) VALUES (?, ?)
  ON CONFLICT (id) DO UPDATE SET rollout = excluded.rollout`
const REMOVE = 'DELETE FROM rollout WHERE id = ?'

/** Rollouts in table `rollout` of the hub's database. */
export class SqliteRollouts implements RolloutStore {
  readonly #db: SqliteDatabase

  /** @param db  of `openHubDatabase`, which others use beside it and somebody else closes */
  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async list(): Promise<readonly Rollout[]> {
    const rows = await this.#db.read(LIST, [])
    return rows.map(([rollout]) => JSON.parse(String(rollout)) as Rollout)
  }

  async save(rollout: Rollout): Promise<void> {
    await this.#db.write([{ sql: SAVE, params: [rollout.id, JSON.stringify(rollout)] }])
  }

  async remove(id: string): Promise<void> {
    await this.#db.write([{ sql: REMOVE, params: [id] }])
  }
}
