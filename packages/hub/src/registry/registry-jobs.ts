import { randomUUID } from 'node:crypto'
import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Exchange } from './exchange.ts'
import { isOver, type RegistryJob, type RegistryJobStore } from './registry-job.ts'
import { type JobRequest, JobRun, type JobWork } from './registry-job-run.ts'

/** Jobs that are remembered, and for how long (11 §1). */
const MAX_JOBS = 1000
const JOB_HISTORY_MS = 30 * 24 * 3600_000

const STOPPED = 'The hub stopped while the job ran.'

export interface RegistryJobPorts {
  readonly store: RegistryJobStore
  readonly exchange: Exchange
  readonly clock: Clock
  readonly log: Log
}

interface ActiveJob {
  job: RegistryJob
  readonly abort: AbortController
  /** Settles when the job is over, and never rejects. */
  over: Promise<void>
}

/** Imports and exports of the registry as jobs (01 §7): one at a time, in the background. */
export class RegistryJobs {
  readonly #ports: RegistryJobPorts
  readonly #work: JobWork
  #active: ActiveJob | 'preparing' | undefined
  #isClosed = false

  constructor(ports: RegistryJobPorts, work: JobWork) {
    this.#ports = ports
    this.#work = work
  }

  /** Ends what a crash left behind: a job that was under way then has failed. */
  async recover(): Promise<void> {
    const { store, clock } = this.#ports
    for (const job of await store.list(MAX_JOBS)) {
      if (isOver(job)) continue
      await store.save({
        ...job,
        status: 'failed',
        endTimeMs: clock.now(),
        failureReason: STOPPED,
      })
    }
  }

  /**
   * Starts a job; it goes on after the promise resolved.
   *
   * @throws {HubError} `JobQuotaExceeded`; `BlobContainerValidationError`; `ArgumentInvalid`
   */
  async create(request: JobRequest): Promise<RegistryJob> {
    if (this.#isClosed) throw new HubError('ServiceUnavailable', 'The hub is stopping.')
    if (this.#active) throw quotaExceeded()
    this.#active = 'preparing'
    let run: JobRun | undefined
    try {
      const { store, clock } = this.#ports
      run = await JobRun.prepare(request, this.#ports.exchange, this.#work)
      const nowMs = clock.now()
      await store.trim(nowMs - JOB_HISTORY_MS, MAX_JOBS - 1)
      const job: RegistryJob = {
        jobId: randomUUID(),
        type: request.type,
        status: 'enqueued',
        progress: 0,
        startTimeMs: nowMs,
        endTimeMs: null,
        excludeKeysInExport: request.excludeKeys,
        failureReason: null,
      }
      await store.save(job)
      this.#start(job, run)
      return job
    } catch (error) {
      await run?.close()
      this.#active = undefined
      throw error
    }
  }

  /** @throws {HubError} `JobNotFound` */
  async get(jobId: string): Promise<RegistryJob> {
    const job = this.#running(jobId)?.job ?? (await this.#ports.store.find(jobId))
    if (!job) throw new HubError('JobNotFound', jobId)
    return job
  }

  /** The youngest first. */
  async list(): Promise<readonly RegistryJob[]> {
    const jobs = await this.#ports.store.list(MAX_JOBS)
    return jobs.map((job) => this.#running(job.jobId)?.job ?? job)
  }

  /**
   * Ends a job that is under way; what it imported so far stays. One that is over stays as it is.
   *
   * @throws {HubError} `JobNotFound`
   */
  async cancel(jobId: string): Promise<RegistryJob> {
    const active = this.#running(jobId)
    active?.abort.abort(new CancelledError())
    await active?.over
    return this.get(jobId)
  }

  /** Waits for the job that is under way, which ends as failed; no other starts. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (typeof this.#active !== 'object') return
    this.#active.abort.abort(new HubError('ServiceUnavailable', STOPPED))
    await this.#active.over
  }

  #running(jobId: string): ActiveJob | undefined {
    const active = this.#active
    return typeof active === 'object' && active.job.jobId === jobId ? active : undefined
  }

  #start(job: RegistryJob, run: JobRun): void {
    const active: ActiveJob = { job, abort: new AbortController(), over: Promise.resolve() }
    this.#active = active
    active.over = this.#run(active, run).finally(() => {
      this.#active = undefined
    })
  }

  /** Never rejects: how it ended is in the job. */
  async #run(active: ActiveJob, run: JobRun): Promise<void> {
    const { store, log, clock } = this.#ports
    const save = async (next: Partial<RegistryJob>) => {
      const job = { ...active.job, ...next }
      await store.save(job)
      // Not before: whoever sees that it is over may start another.
      active.job = job
    }
    try {
      await save({ status: 'running' })
      await run.run(active.abort.signal, (progress) => {
        active.job = { ...active.job, progress }
      })
      await save({ status: 'completed', progress: 100, endTimeMs: clock.now() })
    } catch (error) {
      const status = error instanceof CancelledError ? 'cancelled' : 'failed'
      if (status === 'failed') log.warn({ err: error, ...active.job }, 'a registry job failed')
      const failureReason = status === 'failed' ? reasonOf(error) : null
      await save({ status, failureReason, endTimeMs: clock.now() }).catch((lost) => {
        log.error({ err: lost, jobId: active.job.jobId }, 'the end of a job was not stored')
      })
    }
  }
}

class CancelledError extends Error {
  override readonly name = 'CancelledError'
}

function reasonOf(error: unknown): string {
  return error instanceof HubError ? error.message : 'An internal error; the log says more.'
}

/** IoT Hub's words, on two lines (01 §7). */
function quotaExceeded(): HubError {
  return new HubError(
    'JobQuotaExceeded',
    'Error: 403 ErrorCode: JobQuotaExceeded\n' +
      'Message: Another import or export job is under way; a hub runs one at a time.',
  )
}
