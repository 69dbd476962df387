import { HubError } from '@twinward/protocol'

/** Jobs that wait for their turn under one key. */
const MAX_WAITING_JOBS = 256

/** Runs jobs of one key one after the other; those of different keys do not wait for each other. */
export class Turns {
  readonly #lines = new Map<string, { last: Promise<unknown>; waiting: number }>()
  readonly #maxWaiting: number

  /** @param maxWaiting  jobs under one key */
  constructor(maxWaiting = MAX_WAITING_JOBS) {
    this.#maxWaiting = maxWaiting
  }

  /** Whether a job would have to wait. */
  isBusy(key: string): boolean {
    return this.#lines.size > 0 && this.#lines.has(key)
  }

  /** @throws {HubError} `ServiceUnavailable` when too many wait; else what the job does */
  run<T>(key: string, job: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(key) ?? { last: Promise.resolve(), waiting: 0 }
    if (line.waiting >= this.#maxWaiting) {
      return Promise.reject(new HubError('ServiceUnavailable', 'Too many requests wait for this.'))
    }
    this.#lines.set(key, line)
    line.waiting++
    const result = line.last.then(job)
    const done = () => {
      line.waiting--
      if (line.waiting === 0) this.#lines.delete(key)
    }
    line.last = result.then(done, done)
    return result
  }
}
