import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Methods } from '../methods/methods.ts'
import type { Queries } from '../twins/query/queries.ts'
import type { Twins } from '../twins/twins.ts'
import type { Job, JobTarget } from './job.ts'
import { readTarget, targetQuery } from './job-query.ts'
import type { JobStore } from './job-store.ts'
import { isPassing, RETRY_PAUSE_MS, whenFree } from './when-free.ts'

/** Targets of one job that are worked on at a time. */
export const MAX_IN_FLIGHT = 64
/** Targets that are read at a time. */
const PAGE_TARGETS = 256
/** Characters of a method's answer that are kept; of a longer one only its status is. */
export const MAX_ANSWER_CHARACTERS = 16 * 1024
/** Characters of an error's description. */
const MAX_DESCRIPTION_CHARACTERS = 512

export interface JobRunPorts {
  readonly store: JobStore
  readonly queries: Pick<Queries, 'run'>
  readonly twins: Pick<Twins, 'patchOnce'>
  readonly methods: Pick<Methods, 'invoke'>
  readonly clock: Clock
  readonly log: Log
}

/**
 * One run of a job that has started. Its targets are found first and then done one by one, each with a
 * record; after a crash it goes on where it was. An update of a twin takes effect once; a method that
 * was under way is not called again, because the device may have run it.
 */
export class JobRun {
  readonly #ports: JobRunPorts
  readonly #signal: AbortSignal

  /** @param signal  ends the run before its time; what is under way is finished */
  constructor(ports: JobRunPorts, signal: AbortSignal) {
    this.#ports = ports
    this.#signal = signal
  }

  /**
   * @returns when every target has its outcome, or the time is over for those that have none
   * @throws {HubError} when the targets cannot be found
   */
  async run(job: Job): Promise<void> {
    const gathered = job.isGathered ? job : await this.#gather(job)
    await this.#work(gathered)
  }

  async #gather(job: Job): Promise<Job> {
    const { store, queries, clock } = this.#ports
    const query = targetQuery(job.queryCondition)
    let continuation: string | undefined
    do {
      this.#signal.throwIfAborted()
      const options = continuation === undefined ? {} : { continuation }
      const page = await this.#whenFree(() => queries.run(query, options))
      const targets = page.rows.map(readTarget)
      await this.#whenFree(() => store.addTargets(job, targets, clock.now()))
      continuation = page.continuation
    } while (continuation !== undefined)
    const gathered = { ...job, isGathered: true }
    await this.#whenFree(() => store.save(gathered))
    return gathered
  }

  async #work(job: Job): Promise<void> {
    const { store, clock } = this.#ports
    const deadlineMs = job.startTimeMs + job.maxExecutionMs
    // Each takes the next target when it is done with one: a slow device holds up nobody else.
    const targets = this.#pending(job, deadlineMs)
    const work = async () => {
      for await (const target of targets) await this.#do(job, target, deadlineMs)
    }
    const ends = await Promise.allSettled(Array.from({ length: MAX_IN_FLIGHT }, work))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    this.#signal.throwIfAborted()
    const nowMs = clock.now()
    // None is left unless the time is over.
    const late = {
      status: 'failed',
      updatedTimeMs: nowMs,
      endTimeMs: nowMs,
      error: {
        code: 'JobExecutionTimeExceeded',
        description: 'The job had no time left for this device.',
      },
    } as const
    await this.#whenFree(() => store.endTargets(job.jobId, 'pending', late))
  }

  /** Until the time is over, or the run. */
  async *#pending({ jobId }: Job, deadlineMs: number): AsyncGenerator<JobTarget> {
    const { store, clock } = this.#ports
    let after = 0
    for (;;) {
      const filter = { jobId, status: 'pending', limit: PAGE_TARGETS, after } as const
      const page = await this.#whenFree(() => store.targets(filter))
      if (page.length === 0) return
      for (const { place, target } of page) {
        if (this.#signal.aborted || clock.now() >= deadlineMs) return
        after = place
        yield target
      }
    }
  }

  async #do(job: Job, target: JobTarget, deadlineMs: number): Promise<void> {
    const { store, clock } = this.#ports
    const nowMs = clock.now()
    const begun: JobTarget = { ...target, status: 'running', startTimeMs: nowMs }
    if (job.work.type === 'scheduleDeviceMethod') {
      await this.#whenFree(() => store.saveTarget({ ...begun, updatedTimeMs: nowMs }))
    }
    const outcome = await this.#attempt(job, begun, deadlineMs)
    const endMs = clock.now()
    const ended = { ...begun, ...outcome, updatedTimeMs: endMs, endTimeMs: endMs }
    await this.#whenFree(() => store.saveTarget(ended))
  }

  #whenFree<T>(step: () => Promise<T>): Promise<T> {
    return whenFree({ clock: this.#ports.clock, signal: this.#signal }, step)
  }

  async #attempt(
    job: Job,
    target: JobTarget,
    deadlineMs: number,
  ): Promise<Pick<JobTarget, 'status' | 'answer' | 'error'>> {
    const { clock, log } = this.#ports
    for (;;) {
      try {
        return await this.#apply(job, target)
      } catch (error) {
        if (!(error instanceof HubError)) {
          log.error({ err: error, jobId: job.jobId, ref: target.ref }, 'a job failed on a device')
          return failed('ServerError', 'The hub could not complete the operation.')
        }
        // A method that met `ServiceUnavailable` may have run; one that was throttled was not sent.
        const isMethod = job.work.type === 'scheduleDeviceMethod'
        const mayRepeat = isMethod ? error.code === 'ThrottlingException' : isPassing(error)
        if (!mayRepeat || clock.now() + RETRY_PAUSE_MS >= deadlineMs) {
          return failed(error.code, error.message)
        }
        await clock.sleep(RETRY_PAUSE_MS, this.#signal)
      }
    }
  }

  async #apply(
    { work, runId, author }: Job,
    { ref }: JobTarget,
  ): Promise<Pick<JobTarget, 'status' | 'answer'>> {
    const { twins, methods } = this.#ports
    if (work.type === 'scheduleUpdateTwin') {
      await twins.patchOnce(ref, work.write, runId, author)
      return { status: 'completed' }
    }
    const { status, payload } = await methods.invoke(ref, work.call)
    const kept = payload.length > MAX_ANSWER_CHARACTERS ? 'null' : payload
    return { status: 'completed', answer: `{"status":${status},"payload":${kept}}` }
  }
}

function failed(code: string, message: string): Pick<JobTarget, 'status' | 'error'> {
  const description = message.slice(0, MAX_DESCRIPTION_CHARACTERS)
  return { status: 'failed', error: { code, description } }
}
