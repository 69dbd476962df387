import type { DeviceRef } from '@twinward/protocol'
import type { SqliteDatabase, SqlRow, Statement } from '@twinward/sqlite'
import type {
  FingerprintChunk,
  IngestionBatch,
  IngestionStore,
  IntakeState,
  Verdict,
} from '../../ingestion/ingestion-store.ts'

/** Chunks that one statement forgets, so that no commit waits long for it. */
const EXPIRY_CHUNKS = 10_000

/** What came in, in the tables of `schema/ingestion.ts`. The database belongs to its opener. */
export class SqliteIngestionStore implements IngestionStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase` */
  static on(db: SqliteDatabase): SqliteIngestionStore {
    return new SqliteIngestionStore(db)
  }

  async cursor(): Promise<number> {
    const [row] = await this.#db.read('SELECT sequence FROM intake_cursor', [])
    return Number(row?.[0])
  }

  async commit(batch: IngestionBatch): Promise<void> {
    const { cursor, states, chunks, forgotten, verdicts, released } = batch
    await this.#db.write([
      ...states.map(putState),
      ...forgotten.map(forgetChunks),
      ...chunks.map(putChunk),
      { sql: 'DELETE FROM verdict WHERE sequence <= ?', params: [released] },
      ...verdicts.map(putVerdict),
      { sql: MOVE_CURSOR, params: [cursor, cursor] },
    ])
  }

  async findStates(deviceIds: readonly string[]): Promise<readonly IntakeState[]> {
    const sql = `SELECT document FROM intake
      WHERE device_id IN (SELECT value FROM json_each(?))`
    const rows = await this.#db.read(sql, [JSON.stringify(deviceIds)])
    return rows.map(([document]) => JSON.parse(String(document)) as IntakeState)
  }

  async findChunks(deviceIds: readonly string[]): Promise<readonly FingerprintChunk[]> {
    const sql = `SELECT device_id, module_id, number, last_ms, bytes FROM fingerprints
      WHERE device_id IN (SELECT value FROM json_each(?)) ORDER BY device_id, module_id, number`
    const rows = await this.#db.read(sql, [JSON.stringify(deviceIds)])
    return rows.map(toChunk)
  }

  async findVerdicts(after: number, through: number): Promise<readonly Verdict[]> {
    const sql = `SELECT document FROM verdict WHERE sequence > ? AND sequence <= ?
      ORDER BY sequence`
    const rows = await this.#db.read(sql, [after, through])
    return rows.map(([document]) => JSON.parse(String(document)) as Verdict)
  }

  async expireFingerprints(beforeMs: number): Promise<number> {
    const sql = `DELETE FROM fingerprints WHERE rowid IN
      (SELECT rowid FROM fingerprints WHERE last_ms < ? LIMIT ?)`
    let removed = 0
    for (;;) {
      const [result] = await this.#db.write([{ sql, params: [beforeMs, EXPIRY_CHUNKS] }])
      removed += result?.changes ?? 0
      if ((result?.changes ?? 0) < EXPIRY_CHUNKS) return removed
    }
  }

  async removeDevice(deviceId: string): Promise<void> {
    await this.#db.write(
      ['intake', 'fingerprints'].map((table) => ({
        sql: `DELETE FROM ${table} WHERE device_id = ?`,
        params: [deviceId],
      })),
    )
  }
}

const MOVE_CURSOR = 'UPDATE intake_cursor SET sequence = ? WHERE sequence < ?'

function putState(state: IntakeState): Statement {
  const sql = `INSERT INTO intake (device_id, document) VALUES (?, ?)
    ON CONFLICT (device_id) DO UPDATE SET document = excluded.document`
  return { sql, params: [state.deviceId, JSON.stringify(state)] }
}

function putChunk({ ref, number, lastMs, bytes }: FingerprintChunk): Statement {
  const sql = `INSERT INTO fingerprints (device_id, module_id, number, last_ms, bytes)
    VALUES (?, ?, ?, ?, ?) ON CONFLICT (device_id, module_id, number)
    DO UPDATE SET last_ms = excluded.last_ms, bytes = excluded.bytes`
  return { sql, params: [ref.deviceId, ref.moduleId ?? '', number, lastMs, bytes] }
}

function forgetChunks({ ref, below }: { readonly ref: DeviceRef; readonly below: number }) {
  const sql = 'DELETE FROM fingerprints WHERE device_id = ? AND module_id = ? AND number < ?'
  return { sql, params: [ref.deviceId, ref.moduleId ?? '', below] }
}

function putVerdict(verdict: Verdict): Statement {
  const sql = `INSERT INTO verdict (sequence, document) VALUES (?, ?)
    ON CONFLICT (sequence) DO UPDATE SET document = excluded.document`
  return { sql, params: [verdict.sequence, JSON.stringify(verdict)] }
}

function toChunk([deviceId, moduleId, number, lastMs, bytes]: SqlRow): FingerprintChunk {
  const ref = {
    deviceId: String(deviceId),
    ...(moduleId !== '' && { moduleId: String(moduleId) }),
  }
  return { ref, number: Number(number), lastMs: Number(lastMs), bytes: bytes as Uint8Array }
}
