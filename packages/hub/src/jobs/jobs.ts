import { randomBytes } from 'node:crypto'
import { HubError, type JsonObject } from '@twinward/protocol'
import type { WriteAuthor } from '../twins/desired-review.ts'
import { isOver, type Job, type JobStatistics } from './job.ts'
import { readJobRequest } from './job-request.ts'
import { JobRun, type JobRunPorts } from './job-run.ts'
import type { JobFilter } from './job-store.ts'
import { whenFree } from './when-free.ts'

/** Jobs that are not over, at a time; a scheduled one counts (08 §1.3, the largest tier). */
export const MAX_ACTIVE_JOBS = 10
/** How long jobs are remembered after their end, and how many. */
const HISTORY_MS = 30 * 24 * 3_600_000
const MAX_JOBS = 1000
/** How often the history is looked through. */
const EXPIRY_INTERVAL_MS = 3_600_000
/** Targets that are removed in one commit. */
const REMOVED_TARGETS = 2000
/** A clock may be set while a job waits: it is asked again after so long. */
const LONGEST_WAIT_MS = 60_000

/** What could not be started at its time is tried again after so long. */
const SHORTEST_WAIT_MS = 100

/** A job and how far it is. */
export interface JobState {
  readonly job: Job
  readonly statistics: JobStatistics
}

/** Scheduled jobs (08 §1): updates of twins and calls of methods over many devices. */
export class Jobs {
  readonly #ports: JobRunPorts
  readonly #running = new Map<string, Promise<void>>()
  readonly #closing = new AbortController()
  /** Jobs that are not over, as they were stored last. */
  readonly #active = new Map<string, Job>()
  #creating: Promise<unknown> = Promise.resolve()
  #wake = new AbortController()
  #loop: Promise<void> | undefined
  #stopExpiry = () => {}

  constructor(ports: JobRunPorts) {
    this.#ports = ports
  }

  /** Goes on with what an earlier process left. */
  async start(): Promise<void> {
    const { store, clock } = this.#ports
    for (const job of await store.active()) {
      const nowMs = clock.now()
      await store.endTargets(job.jobId, 'running', {
        ...{ status: 'failed', updatedTimeMs: nowMs, endTimeMs: nowMs },
        error: {
          code: 'ServiceUnavailable',
          description: 'The hub stopped during the call; the device may have run the method.',
        },
      })
      this.#active.set(job.jobId, job)
    }
    this.#loop = this.#schedule()
    this.#stopExpiry = clock.every(EXPIRY_INTERVAL_MS, () => void this.#expire())
  }

  /** Leaves the rest of running jobs to the next start. */
  async close(): Promise<void> {
    this.#stopExpiry()
    this.#closing.abort(new HubError('ServiceUnavailable', 'The hub is stopping.'))
    this.#wake.abort()
    await this.#loop
    await Promise.all(this.#running.values())
  }

  /**
   * @returns the job, durable; it starts in the background
   * @throws {HubError} as `readJobRequest`; `JobAlreadyExists`; `ThrottlingMaxActiveJobCountExceeded`
   */
  create(jobId: string, body: JsonObject, author?: WriteAuthor): Promise<Job> {
    const created = this.#creating.then(() => this.#create(jobId, body, author))
    this.#creating = created.catch(() => {})
    return created
  }

  /** `undefined`: there is no such job. */
  async find(jobId: string): Promise<JobState | undefined> {
    const job = this.#active.get(jobId) ?? (await this.#ports.store.find(jobId))
    return job && { job, statistics: await this.#ports.store.statistics(jobId) }
  }

  /** The youngest first. @throws {HubError} `ArgumentInvalid` for a token that is not of this list */
  async list(filter: JobFilter): Promise<{ jobs: readonly JobState[]; next?: string }> {
    const { store } = this.#ports
    const { jobs, next } = await store.list(filter)
    const states = jobs.map(async (job) => ({
      job,
      statistics: await store.statistics(job.jobId),
    }))
    return { jobs: await Promise.all(states), ...(next !== undefined && { next }) }
  }

  /**
   * Cancels a job that has not started.
   *
   * @throws {HubError} `JobNotFound`; `OperationNotAllowedInCurrentState`
   */
  async cancel(jobId: string): Promise<JobState> {
    const state = await this.find(jobId)
    if (!state) throw new HubError('JobNotFound', `There is no job ${jobId.slice(0, 64)}.`)
    const current = this.#active.get(jobId)
    if (!current || current.status === 'running') {
      const { status } = current ?? state.job
      throw new HubError(
        'OperationNotAllowedInCurrentState',
        `The job is ${status}; only one that has not started can be cancelled.`,
      )
    }
    try {
      await this.#end(current, { status: 'cancelled' })
    } catch (error) {
      // It was not cancelled, so it waits on.
      this.#active.set(jobId, current)
      throw error
    }
    return (await this.find(jobId)) ?? state
  }

  async #create(jobId: string, body: JsonObject, author?: WriteAuthor): Promise<Job> {
    const { store, clock } = this.#ports
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason
    const request = readJobRequest(jobId, body, clock.now())
    if (await store.find(jobId)) throw alreadyExists(jobId)
    if (this.#active.size >= MAX_ACTIVE_JOBS) {
      throw new HubError(
        'ThrottlingMaxActiveJobCountExceeded',
        `${MAX_ACTIVE_JOBS} jobs are waiting or running: wait for one to end, or cancel one.`,
      )
    }
    const job: Job = {
      ...request,
      runId: randomBytes(9).toString('base64url'),
      status: 'queued',
      createdTimeMs: clock.now(),
      endTimeMs: null,
      isGathered: false,
      failureReason: '',
      ...(author && { author }),
    }
    if (!(await store.insert(job))) throw alreadyExists(jobId)
    this.#active.set(jobId, job)
    this.#wake.abort()
    return job
  }

  /** Starts each job at its time. */
  async #schedule(): Promise<void> {
    const { clock, log } = this.#ports
    while (!this.#closing.signal.aborted) {
      this.#wake = new AbortController()
      try {
        await this.#startDue()
      } catch (error) {
        log.error({ err: error }, 'scheduled jobs could not be started')
      }
      const starts = [...this.#active.values()]
        .filter(({ jobId }) => !this.#running.has(jobId))
        .map(({ startTimeMs }) => startTimeMs - clock.now())
      const waitMs = Math.min(LONGEST_WAIT_MS, ...starts.map((ms) => Math.max(ms, 0)))
      if (this.#wake.signal.aborted) continue
      await clock.sleep(Math.max(waitMs, SHORTEST_WAIT_MS), this.#wake.signal).catch(() => {})
    }
  }

  async #startDue(): Promise<void> {
    const nowMs = this.#ports.clock.now()
    for (const job of [...this.#active.values()]) {
      // It may have been cancelled while another was saved.
      const isCurrent = this.#active.get(job.jobId) === job && !isOver(job)
      if (!isCurrent || this.#running.has(job.jobId)) continue
      if (job.startTimeMs <= nowMs) this.#start(job)
      else if (job.status === 'queued') await this.#save({ ...job, status: 'scheduled' })
    }
  }

  #start(job: Job): void {
    const over = this.#run(job).finally(() => {
      this.#running.delete(job.jobId)
      this.#wake.abort()
    })
    this.#running.set(job.jobId, over)
  }

  /** Never rejects: how it ended is in the job. */
  async #run(job: Job): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#closing
    try {
      // A start that was missed, with the hub down, begins now and has its whole time.
      const isFirst = job.status !== 'running'
      const startTimeMs = isFirst ? clock.now() : job.startTimeMs
      const started: Job = { ...job, status: 'running', startTimeMs }
      if (isFirst && !(await this.#begin(job, started))) return
      await new JobRun(this.#ports, signal).run(started)
      await this.#whenFree(() =>
        this.#end(this.#active.get(job.jobId) ?? started, { status: 'completed' }),
      )
    } catch (error) {
      // What is left waits for the next start.
      if (signal.aborted) return
      if (!(error instanceof HubError)) log.error({ err: error, jobId: job.jobId }, 'a job failed')
      const failureReason =
        error instanceof HubError ? error.message : 'An internal error; the log says more.'
      const current = this.#active.get(job.jobId) ?? job
      await this.#whenFree(() => this.#end(current, { status: 'failed', failureReason })).catch(
        (lost) => {
          log.error({ err: lost, jobId: job.jobId }, 'the end of a job was not stored')
        },
      )
    }
  }

  /** @returns false when it was cancelled in the meantime */
  async #begin(job: Job, started: Job): Promise<boolean> {
    if (this.#active.get(job.jobId) !== job) return false
    await this.#whenFree(() => this.#save(started))
    return true
  }

  #whenFree<T>(step: () => Promise<T>): Promise<T> {
    return whenFree({ clock: this.#ports.clock, signal: this.#closing.signal }, step)
  }

  async #end(job: Job, how: Pick<Job, 'status'> & Partial<Job>): Promise<void> {
    const ended = { ...job, isGathered: true, ...how, endTimeMs: this.#ports.clock.now() }
    // At once, so that nobody starts it meanwhile.
    this.#active.set(job.jobId, ended)
    await this.#ports.store.save(ended)
    if (isOver(ended)) this.#active.delete(job.jobId)
  }

  async #save(job: Job): Promise<void> {
    this.#active.set(job.jobId, job)
    await this.#ports.store.save(job)
  }

  async #expire(): Promise<void> {
    const { store, clock, log } = this.#ports
    try {
      for (const jobId of await store.expired(clock.now() - HISTORY_MS, MAX_JOBS)) {
        while (!(await store.remove(jobId, REMOVED_TARGETS))) this.#closing.signal.throwIfAborted()
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) log.error({ err: error }, 'old jobs could not be removed')
    }
  }
}

function alreadyExists(jobId: string): HubError {
  return new HubError('JobAlreadyExists', `There is a job ${jobId} already.`)
}
