import type { SqliteDatabase, SqlRow } from '@twinward/sqlite'
import type { RegistryJob, RegistryJobStore } from '../../registry/registry-job.ts'

const SAVE = `INSERT INTO registry_job (job_id, start_ms, job) VALUES (?, ?, ?)
  ON CONFLICT (job_id) DO UPDATE SET start_ms = excluded.start_ms, job = excluded.job`
const FIND = 'SELECT job FROM registry_job WHERE job_id = ?'
const LIST = 'SELECT job FROM registry_job ORDER BY start_ms DESC, job_id LIMIT ?'
const TRIM = `DELETE FROM registry_job WHERE start_ms < ? OR job_id NOT IN
  (SELECT job_id FROM registry_job ORDER BY start_ms DESC, job_id LIMIT ?)`

/** The history of jobs in table `registry_job` of the hub's database. */
export class SqliteRegistryJobStore implements RegistryJobStore {
  readonly #db: SqliteDatabase

  /** @param db  of `openHubDatabase`, which others use beside it and somebody else closes */
  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async save(job: RegistryJob): Promise<void> {
    const params = [job.jobId, job.startTimeMs, JSON.stringify(job)]
    await this.#db.write([{ sql: SAVE, params }])
  }

  async find(jobId: string): Promise<RegistryJob | undefined> {
    const [row] = await this.#db.read(FIND, [jobId])
    return row && toJob(row)
  }

  async list(limit: number): Promise<readonly RegistryJob[]> {
    const rows = await this.#db.read(LIST, [limit])
    return rows.map(toJob)
  }

  async trim(startedBeforeMs: number, keep: number): Promise<void> {
    await this.#db.write([{ sql: TRIM, params: [startedBeforeMs, keep] }])
  }
}

function toJob([job]: SqlRow): RegistryJob {
  return JSON.parse(String(job)) as RegistryJob
}
