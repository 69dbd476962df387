import type { DeviceRef } from '@twinward/protocol'
import type { Job, JobStatistics, JobStatus, JobTarget, JobType } from './job.ts'

export interface JobFilter {
  readonly type?: JobType
  readonly status?: JobStatus
  readonly limit: number
  /** `next` of the page before. */
  readonly after?: string
}

export interface TargetFilter {
  readonly jobId?: string
  readonly deviceId?: string
  readonly status?: JobTarget['status']
  readonly limit: number
  /** `place` of the last one seen. */
  readonly after?: number
}

/** A target with its place among all, which grows and never comes again. */
export interface PlacedTarget {
  readonly place: number
  readonly target: JobTarget
}

/**
 * Scheduled jobs with their targets.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/job-store.ts`. A promise
 * resolves once the change would survive a crash.
 */
export interface JobStore {
  /** Adds a job. @returns false when there is one with its id */
  insert(job: Job): Promise<boolean>

  /** Replaces the job with its id. */
  save(job: Job): Promise<void>

  find(jobId: string): Promise<Job | undefined>

  /** Jobs that are not over, in any order. */
  active(): Promise<readonly Job[]>

  /** The youngest first; `next` only when there are more. */
  list(filter: JobFilter): Promise<{ readonly jobs: readonly Job[]; readonly next?: string }>

  /** Adds pending targets; those that the job has already stay as they are. */
  addTargets(job: Job, refs: readonly DeviceRef[], nowMs: number): Promise<void>

  /** Replaces the target of the same job with the same ref. */
  saveTarget(target: JobTarget): Promise<void>

  /** Gives all targets of a job that have the status of `from` the members of `to`. */
  endTargets(
    jobId: string,
    from: JobTarget['status'],
    to: Pick<JobTarget, 'status' | 'updatedTimeMs' | 'endTimeMs' | 'error'>,
  ): Promise<void>

  /** In the order of their places. May end early when they are long; never with none. */
  targets(filter: TargetFilter): Promise<readonly PlacedTarget[]>

  statistics(jobId: string): Promise<JobStatistics>

  /** Jobs that are over and ended before, or are not among the `keep` youngest of those. */
  expired(endedBeforeMs: number, keep: number): Promise<readonly string[]>

  /** Removes up to `limit` targets of a job, and the job once it has none. @returns whether it is gone */
  remove(jobId: string, limit: number): Promise<boolean>
}
