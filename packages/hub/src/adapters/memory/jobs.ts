import { type DeviceRef, refKey } from '@twinward/protocol'
import { isOver, type Job, type JobStatistics, type JobTarget } from '../../jobs/job.ts'
import { formatJobPlace, type JobPlace, readJobPlace } from '../../jobs/job-place.ts'
import type { JobFilter, JobStore, PlacedTarget, TargetFilter } from '../../jobs/job-store.ts'

/** Scheduled jobs for tests: everything in memory, durable at once. */
export class MemoryJobs implements JobStore {
  readonly #jobs = new Map<string, Job>()
  readonly #targets = new Map<string, PlacedTarget>()
  #place = 0

  async insert(job: Job): Promise<boolean> {
    if (this.#jobs.has(job.jobId)) return false
    this.#jobs.set(job.jobId, job)
    return true
  }

  async save(job: Job): Promise<void> {
    if (this.#jobs.has(job.jobId)) this.#jobs.set(job.jobId, job)
  }

  async find(jobId: string): Promise<Job | undefined> {
    return this.#jobs.get(jobId)
  }

  async active(): Promise<readonly Job[]> {
    return [...this.#jobs.values()].filter((job) => !isOver(job))
  }

  async list({ type, status, limit, after }: JobFilter) {
    const before = after === undefined ? undefined : readJobPlace(after)
    const found = this.#youngestFirst()
      .filter((job) => type === undefined || job.work.type === type)
      .filter((job) => status === undefined || job.status === status)
      .filter((job) => before === undefined || isAfter(job, before))
    const jobs = found.slice(0, limit)
    const last = jobs.at(-1)
    return { jobs, ...(last && found.length > limit && { next: formatJobPlace(last) }) }
  }

  async addTargets(job: Job, refs: readonly DeviceRef[], nowMs: number): Promise<void> {
    for (const ref of refs) {
      const key = keyOf({ jobId: job.jobId, ref })
      if (this.#targets.has(key)) continue
      const target: JobTarget = {
        ...{ ref, jobId: job.jobId, jobType: job.work.type, status: 'pending' },
        ...{ createdTimeMs: nowMs, updatedTimeMs: nowMs, startTimeMs: 0, endTimeMs: 0 },
      }
      this.#targets.set(key, { place: ++this.#place, target })
    }
  }

  async saveTarget(target: JobTarget): Promise<void> {
    const known = this.#targets.get(keyOf(target))
    if (known) this.#targets.set(keyOf(target), { place: known.place, target })
  }

  async endTargets(
    jobId: string,
    from: JobTarget['status'],
    to: Parameters<JobStore['endTargets']>[2],
  ): Promise<void> {
    for (const [key, { place, target }] of this.#targets) {
      if (target.jobId !== jobId || target.status !== from) continue
      this.#targets.set(key, { place, target: { ...target, ...to } })
    }
  }

  async targets({ jobId, deviceId, status, limit, after = 0 }: TargetFilter) {
    return [...this.#targets.values()]
      .filter(({ place }) => place > after)
      .filter(({ target }) => jobId === undefined || target.jobId === jobId)
      .filter(({ target }) => deviceId === undefined || target.ref.deviceId === deviceId)
      .filter(({ target }) => status === undefined || target.status === status)
      .sort((a, b) => a.place - b.place)
      .slice(0, limit)
  }

  async statistics(jobId: string): Promise<JobStatistics> {
    const ofJob = [...this.#targets.values()].filter(({ target }) => target.jobId === jobId)
    const count = (...of: readonly JobTarget['status'][]) =>
      ofJob.filter(({ target }) => of.includes(target.status)).length
    return {
      deviceCount: ofJob.length,
      failedCount: count('failed', 'canceled'),
      succeededCount: count('completed'),
      runningCount: count('running'),
      pendingCount: count('pending'),
    }
  }

  async expired(endedBeforeMs: number, keep: number): Promise<readonly string[]> {
    return this.#youngestFirst()
      .filter(isOver)
      .filter(({ endTimeMs }, at) => at >= keep || (endTimeMs ?? 0) < endedBeforeMs)
      .map(({ jobId }) => jobId)
  }

  async remove(jobId: string, limit: number): Promise<boolean> {
    const ofJob = [...this.#targets].filter(([, { target }]) => target.jobId === jobId)
    for (const [key] of ofJob.slice(0, limit)) this.#targets.delete(key)
    if (ofJob.length > limit) return false
    this.#jobs.delete(jobId)
    return true
  }

  #youngestFirst(): Job[] {
    return [...this.#jobs.values()].sort(
      (a, b) => b.createdTimeMs - a.createdTimeMs || (a.jobId < b.jobId ? -1 : 1),
    )
  }
}

function keyOf({ jobId, ref }: Pick<JobTarget, 'jobId' | 'ref'>): string {
  return `${jobId}\n${refKey(ref)}`
}

function isAfter(job: Job, { createdTimeMs, jobId }: JobPlace): boolean {
  if (job.createdTimeMs !== createdTimeMs) return job.createdTimeMs < createdTimeMs
  return job.jobId > jobId
}
