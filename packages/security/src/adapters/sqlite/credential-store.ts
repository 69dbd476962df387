import type { DeviceRef } from '@twinward/protocol'
import type { SqliteDatabase, Statement } from '@twinward/sqlite'
import type {
  CredentialMarkStore,
  Sharing,
  StoredMark,
} from '../../recommendations/credentials/credential-store.ts'

const PUT = `INSERT INTO credential_mark (mark, device_id, module_id, kind, pass)
  VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (mark, device_id, module_id) DO UPDATE SET pass = excluded.pass, kind = excluded.kind`

/** Identities whose marks are replaced in one transaction. */
const BATCH_IDENTITIES = 100

/** Marks of credentials in the file of the security service. */
export class SqliteCredentialStore implements CredentialMarkStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase` */
  static on(db: SqliteDatabase): SqliteCredentialStore {
    return new SqliteCredentialStore(db)
  }

  async keyOr(fresh: string): Promise<string> {
    const sql = 'INSERT INTO credential_key (id, key) VALUES (1, ?) ON CONFLICT DO NOTHING'
    await this.#db.write([{ sql, params: [fresh] }])
    const [row] = await this.#db.read('SELECT key FROM credential_key WHERE id = 1', [])
    return String(row?.[0])
  }

  async put(
    all: readonly { readonly ref: DeviceRef; readonly marks: readonly StoredMark[] }[],
    pass: number,
  ): Promise<void> {
    for (let from = 0; from < all.length; from += BATCH_IDENTITIES) {
      const some = all.slice(from, from + BATCH_IDENTITIES)
      await this.#db.write(some.flatMap((identity) => replace(identity, pass)))
    }
  }

  async expire(beforePass: number): Promise<void> {
    const sql = 'DELETE FROM credential_mark WHERE pass < ?'
    await this.#db.write([{ sql, params: [beforePass] }])
  }

  async removeDevice(deviceId: string): Promise<void> {
    const sql = 'DELETE FROM credential_mark WHERE device_id = ?'
    await this.#db.write([{ sql, params: [deviceId] }])
  }

  async sharedBy(deviceId: string, limit: number): Promise<readonly Sharing[]> {
    const sql = `SELECT own.mark, own.kind,
        (SELECT count(DISTINCT device_id) FROM credential_mark AS each WHERE each.mark = own.mark)
          AS total
      FROM (SELECT DISTINCT mark, kind FROM credential_mark WHERE device_id = ?) AS own
      WHERE EXISTS (SELECT 1 FROM credential_mark AS other
        WHERE other.mark = own.mark AND other.device_id <> ?)
      ORDER BY total DESC, own.mark LIMIT ?`
    const rows = await this.#db.read(sql, [deviceId, deviceId, limit])
    return Promise.all(
      rows.map(async ([mark = '', kind, total]) => {
        const devices = await this.#db.read(
          'SELECT DISTINCT device_id FROM credential_mark WHERE mark = ? ORDER BY device_id LIMIT ?',
          [mark, limit],
        )
        const deviceIds = devices.map(([id]) => String(id))
        return { kind: String(kind), deviceIds, total: Number(total) }
      }),
    )
  }

  async sharingDevices(limit: number, after = ''): Promise<readonly string[]> {
    const sql = `SELECT DISTINCT own.device_id FROM credential_mark AS own
      WHERE own.device_id > ? AND EXISTS (SELECT 1 FROM credential_mark AS other
        WHERE other.mark = own.mark AND other.device_id <> own.device_id)
      ORDER BY own.device_id LIMIT ?`
    const rows = await this.#db.read(sql, [after, limit])
    return rows.map(([id]) => String(id))
  }
}

function replace(
  { ref, marks }: { readonly ref: DeviceRef; readonly marks: readonly StoredMark[] },
  pass: number,
): readonly Statement[] {
  const { deviceId, moduleId = '' } = ref
  const names = JSON.stringify(marks.map(({ mark }) => mark))
  return [
    {
      sql: `DELETE FROM credential_mark WHERE device_id = ? AND module_id = ?
        AND mark NOT IN (SELECT value FROM json_each(?))`,
      params: [deviceId, moduleId, names],
    },
    ...marks.map(({ mark, kind }) => ({
      sql: PUT,
      params: [mark, deviceId, moduleId, kind, pass],
    })),
  ]
}
