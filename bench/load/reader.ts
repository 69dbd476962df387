import type { Connection } from './connection.ts'
import type { Histogram } from './histogram.ts'
import { HttpAnswers } from './http-answers.ts'

/** What all readers of a run count into. */
export interface ReadTally {
  done: number
  /** While true, every answer is followed by the next request. */
  sending: boolean
  readonly latency: Histogram
}

/** So that readers are not at the same twin. */
const STRIDE = 13

/** One call at a time; the twins of all devices in turn. */
export class Reader {
  readonly connection: Connection
  readonly #requests: readonly Buffer[]
  readonly #tally: ReadTally
  readonly #answers = new HttpAnswers()
  #next: number
  #sentAt = 0
  isBusy = false

  constructor(
    connection: Connection,
    { requests, index, tally }: { requests: readonly Buffer[]; index: number; tally: ReadTally },
  ) {
    this.connection = connection
    this.#requests = requests
    this.#next = index * STRIDE
    this.#tally = tally
    connection.receive = (bytes, length) => {
      if (this.#answers.take(bytes, length) > 0) this.#answered()
    }
  }

  send(): void {
    const request = this.#requests[this.#next++ % this.#requests.length]
    if (!request) throw new Error('There is nothing to read.')
    this.isBusy = true
    this.#sentAt = performance.now()
    this.connection.socket.write(request)
  }

  #answered(): void {
    this.isBusy = false
    this.#tally.done++
    this.#tally.latency.record(performance.now() - this.#sentAt)
    if (this.#tally.sending) this.send()
  }
}
