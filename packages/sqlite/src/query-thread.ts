import type { Worker } from 'node:worker_threads'
import type { SqlRow } from './database.ts'
import { StoreClosedError, StoreFailedError, TooManyQueriesError } from './errors.ts'
import type { FromQueryWorker, QueryMessage } from './messages.ts'
import { startWorker } from './start-worker.ts'

/** Queries that wait for the one that runs. */
export const MAX_WAITING_QUERIES = 100

interface Waiting {
  readonly resolve: (rows: readonly SqlRow[]) => void
  readonly reject: (error: Error) => void
}

/** This side of the query worker, which answers in the order of the calls. */
export class QueryThread {
  readonly #worker: Worker
  #waiting: Waiting[] = []
  /** Promised places, whether their query was sent already or not. */
  #taken = 0
  #failure: Error | undefined
  #whenIdle: (() => void) | undefined

  /** @param file  opened by the writing worker before */
  static start(file: string, functions: URL, onFailure: (error: Error) => void): QueryThread {
    const worker = startWorker('query-worker', { file, functions: functions.href })
    return new QueryThread(worker, onFailure)
  }

  private constructor(worker: Worker, onFailure: (error: Error) => void) {
    this.#worker = worker
    const fail = (error: Error) => {
      this.#fail(error)
      onFailure(error)
    }
    worker.on('message', (message: FromQueryWorker) => this.#settle(message))
    worker.on('error', (error) => fail(error as Error))
    worker.on('exit', () => fail(new StoreFailedError('WORKER', 'The query worker ended.')))
  }

  /**
   * @param ready  what the query must see; it is sent after that
   * @throws {TooManyQueriesError} when `MAX_WAITING_QUERIES` wait already
   */
  async run(query: QueryMessage, ready: () => Promise<unknown>): Promise<readonly SqlRow[]> {
    if (this.#taken > MAX_WAITING_QUERIES) {
      throw new TooManyQueriesError('Too many queries wait already.')
    }
    this.#taken++
    try {
      await ready()
      return await this.#send(query)
    } finally {
      this.#taken--
      if (this.#taken === 0) this.#whenIdle?.()
    }
  }

  /** Answers what was asked before, then ends the worker. */
  async close(): Promise<void> {
    if (this.#taken > 0 && !this.#failure) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve
      })
    }
    this.#failure ??= new StoreClosedError('The store is closed.')
    this.#worker.removeAllListeners('exit')
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.postMessage('close')
    // A worker that has ended already says nothing more.
    if (this.#worker.threadId !== -1) await ended
  }

  #send(query: QueryMessage): Promise<readonly SqlRow[]> {
    if (this.#failure) throw this.#failure
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#worker.postMessage(query)
    })
  }

  #settle(message: FromQueryWorker): void {
    const waiting = this.#waiting.shift()
    if (message.kind === 'rows') waiting?.resolve(message.rows)
    else waiting?.reject(new Error(`A query failed: ${message.message}`))
  }

  #fail(error: Error): void {
    this.#failure ??= error
    const waiting = this.#waiting
    this.#waiting = []
    for (const { reject } of waiting) reject(error)
  }
}
