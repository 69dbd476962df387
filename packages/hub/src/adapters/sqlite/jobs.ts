import type { DeviceRef } from '@twinward/protocol'
import { ConstraintError, type SqliteDatabase, type SqlRow, type SqlValue } from '@twinward/sqlite'
import type { Job, JobStatistics, JobTarget, JobType, TargetStatus } from '../../jobs/job.ts'
import { formatJobPlace, readJobPlace } from '../../jobs/job-place.ts'
import type { JobFilter, JobStore, PlacedTarget, TargetFilter } from '../../jobs/job-store.ts'

const INSERT =
  'INSERT INTO job (job_id, type, status, created_ms, end_ms, job) VALUES (?, ?, ?, ?, ?, ?)'
const SAVE = 'UPDATE job SET status = ?, end_ms = ?, job = ? WHERE job_id = ?'
const FIND = 'SELECT job FROM job WHERE job_id = ?'
const ACTIVE = "SELECT job FROM job WHERE status IN ('queued', 'scheduled', 'running')"
const OVER = "status IN ('completed', 'failed', 'cancelled')"
const EXPIRED = `SELECT job_id FROM job WHERE ${OVER} AND (end_ms < ? OR job_id NOT IN
  (SELECT job_id FROM job WHERE ${OVER} ORDER BY created_ms DESC, job_id LIMIT ?))`

const ADD_TARGET = `INSERT INTO job_target
  (job_id, device_id, module_id, type, status, created_ms, updated_ms, start_ms, end_ms)
  VALUES (?, ?, ?, ?, 'pending', ?, ?, 0, 0) ON CONFLICT DO NOTHING`
const SAVE_TARGET = `UPDATE job_target
  SET status = ?, updated_ms = ?, start_ms = ?, end_ms = ?, answer = ?, error = ?
  WHERE job_id = ? AND device_id = ? AND module_id = ?`
/** So many at a time: others want to write too. */
const END_TARGETS = `UPDATE job_target SET status = ?, updated_ms = ?, end_ms = ?, error = ?
  WHERE place IN (SELECT place FROM job_target WHERE job_id = ? AND status = ? LIMIT 2000)`
const TARGET_COLUMNS = `place, job_id, device_id, module_id, type, status, created_ms, updated_ms,
  start_ms, end_ms, answer, error`
const STATISTICS = 'SELECT status, count(*) FROM job_target WHERE job_id = ? GROUP BY status'
const REMOVE_TARGETS = `DELETE FROM job_target WHERE place IN
  (SELECT place FROM job_target WHERE job_id = ? LIMIT ?)`
const REMOVE = `DELETE FROM job WHERE job_id = ?
  AND NOT EXISTS (SELECT 1 FROM job_target WHERE job_target.job_id = job.job_id)`
/** A page of targets ends after about so many bytes of text. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024

/** Scheduled jobs in tables `job` and `job_target` of the hub's database. */
export class SqliteJobs implements JobStore {
  readonly #db: SqliteDatabase

  /** @param db  of `openHubDatabase`, which others use beside it and somebody else closes */
  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async insert(job: Job): Promise<boolean> {
    const { jobId, work, status, createdTimeMs, endTimeMs } = job
    const params = [jobId, work.type, status, createdTimeMs, endTimeMs, JSON.stringify(job)]
    try {
      await this.#db.write([{ sql: INSERT, params }])
      return true
    } catch (error) {
      if (error instanceof ConstraintError) return false
      throw error
    }
  }

  async save(job: Job): Promise<void> {
    const params = [job.status, job.endTimeMs, JSON.stringify(job), job.jobId]
    await this.#db.write([{ sql: SAVE, params }])
  }

  async find(jobId: string): Promise<Job | undefined> {
    const [row] = await this.#db.read(FIND, [jobId])
    return row && toJob(row)
  }

  async active(): Promise<readonly Job[]> {
    return (await this.#db.read(ACTIVE, [])).map(toJob)
  }

  async list({ type, status, limit, after }: JobFilter) {
    const conditions = new Conditions()
    if (type !== undefined) conditions.add('type = ?', type)
    if (status !== undefined) conditions.add('status = ?', status)
    if (after !== undefined) {
      const { createdTimeMs, jobId } = readJobPlace(after)
      const isOlder = '(created_ms < ? OR (created_ms = ? AND job_id > ?))'
      conditions.add(isOlder, createdTimeMs, createdTimeMs, jobId)
    }
    const rows = await this.#db.read(
      `SELECT job FROM job ${conditions.text} ORDER BY created_ms DESC, job_id LIMIT ?`,
      [...conditions.params, limit + 1],
    )
    const jobs = rows.slice(0, limit).map(toJob)
    const last = jobs.at(-1)
    return { jobs, ...(last && rows.length > limit && { next: formatJobPlace(last) }) }
  }

  async addTargets({ jobId, work }: Job, refs: readonly DeviceRef[], nowMs: number): Promise<void> {
    await this.#db.write(
      refs.map(({ deviceId, moduleId = '' }) => ({
        sql: ADD_TARGET,
        params: [jobId, deviceId, moduleId, work.type, nowMs, nowMs],
      })),
    )
  }

  async saveTarget(target: JobTarget): Promise<void> {
    const { status, updatedTimeMs, startTimeMs, endTimeMs, answer = null, error, ref } = target
    const { deviceId, moduleId = '' } = ref
    const state = [status, updatedTimeMs, startTimeMs, endTimeMs, answer, errorText(error)]
    const params = [...state, target.jobId, deviceId, moduleId]
    await this.#db.write([{ sql: SAVE_TARGET, params }])
  }

  async endTargets(
    jobId: string,
    from: TargetStatus,
    { status, updatedTimeMs, endTimeMs, error }: Parameters<JobStore['endTargets']>[2],
  ): Promise<void> {
    const params = [status, updatedTimeMs, endTimeMs, errorText(error), jobId, from]
    let changes: number | undefined
    do {
      const [result] = await this.#db.write([{ sql: END_TARGETS, params }])
      changes = result?.changes
    } while (changes)
  }

  async targets(filter: TargetFilter): Promise<readonly PlacedTarget[]> {
    const { jobId, deviceId, status, limit, after = 0 } = filter
    const conditions = new Conditions()
    conditions.add('place > ?', after)
    if (jobId !== undefined) conditions.add('job_id = ?', jobId)
    if (deviceId !== undefined) conditions.add('device_id = ?', deviceId)
    if (status !== undefined) conditions.add('status = ?', status)
    const rows = await this.#db.read(
      `SELECT ${TARGET_COLUMNS} FROM job_target ${conditions.text} ORDER BY place LIMIT ?`,
      [...conditions.params, limit],
      MAX_PAGE_BYTES,
    )
    return rows.map(toTarget)
  }

  async statistics(jobId: string): Promise<JobStatistics> {
    const rows = await this.#db.read(STATISTICS, [jobId])
    const counts = new Map(rows.map(([status, count]) => [String(status), Number(count)]))
    const count = (...of: readonly TargetStatus[]) =>
      of.reduce((sum, status) => sum + (counts.get(status) ?? 0), 0)
    return {
      deviceCount: [...counts.values()].reduce((sum, each) => sum + each, 0),
      failedCount: count('failed', 'canceled'),
      succeededCount: count('completed'),
      runningCount: count('running'),
      pendingCount: count('pending'),
    }
  }

  async expired(endedBeforeMs: number, keep: number): Promise<readonly string[]> {
    const rows = await this.#db.read(EXPIRED, [endedBeforeMs, keep])
    return rows.map(([jobId]) => String(jobId))
  }

  async remove(jobId: string, limit: number): Promise<boolean> {
    const [, removed] = await this.#db.write([
      { sql: REMOVE_TARGETS, params: [jobId, limit] },
      { sql: REMOVE, params: [jobId] },
    ])
    // A job that is there now may be another one, with the id that just became free.
    return removed?.changes === 1 || (await this.find(jobId)) === undefined
  }
}

/** Conditions that must all hold, and the values of their places. */
class Conditions {
  readonly #texts: string[] = []
  readonly params: SqlValue[] = []

  add(text: string, ...params: readonly SqlValue[]): void {
    this.#texts.push(text)
    this.params.push(...params)
  }

  get text(): string {
    return this.#texts.length === 0 ? '' : `WHERE ${this.#texts.join(' AND ')}`
  }
}

function errorText(error: JobTarget['error']): string | null {
  return error === undefined ? null : JSON.stringify(error)
}

function toJob([job]: SqlRow): Job {
  return JSON.parse(String(job)) as Job
}

function toTarget(row: SqlRow): PlacedTarget {
  const [place, jobId, deviceId, moduleId, type, status, ...rest] = row
  const [createdMs, updatedMs, startMs, endMs, answer, error] = rest
  return {
    place: Number(place),
    target: {
      ref: { deviceId: String(deviceId), ...(moduleId !== '' && { moduleId: String(moduleId) }) },
      jobId: String(jobId),
      jobType: type as JobType,
      status: status as TargetStatus,
      createdTimeMs: Number(createdMs),
      updatedTimeMs: Number(updatedMs),
      startTimeMs: Number(startMs),
      endTimeMs: Number(endMs),
      ...(answer !== null && { answer: String(answer) }),
      ...(error !== null && {
        error: JSON.parse(String(error)) as { code: string; description: string },
      }),
    },
  }
}
