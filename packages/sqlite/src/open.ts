import type { Worker } from 'node:worker_threads'
import type {
  DeferredUnit,
  SqliteDatabase,
  SqliteOptions,
  SqlRow,
  Statement,
  StatementResult,
} from './database.ts'
import { StoreClosedError, StoreFailedError, StoreInUseError, StoreTooNewError } from './errors.ts'
import {
  type FromWorker,
  type GroupMessage,
  type GroupReply,
  MessageReader,
  transferList,
} from './messages.ts'
import { QueryThread } from './query-thread.ts'
import { startWorker } from './start-worker.ts'
import {
  GroupWriter,
  LateUnit,
  ReadUnit,
  SqlTexts,
  sizeOf,
  type Unit,
  WaitingUnits,
  WriteUnit,
} from './units.ts'

/**
 * Opens or creates the file and brings its tables up to date.
 *
 * @throws {StoreInUseError} when somebody else works on the file
 * @throws {StoreTooNewError} when a newer version of the program wrote it
 */
export async function openSqlite(options: SqliteOptions): Promise<SqliteDatabase> {
  const { file, migrations, queryFunctions, onFailure } = options
  const isShared = queryFunctions !== undefined
  const worker = startWorker('worker', { file, migrations, isShared })
  await opened(worker, file)
  const startQueries =
    queryFunctions &&
    ((failed: (error: Error) => void) => QueryThread.start(file, queryFunctions, failed))
  return new WorkerDatabase(worker, onFailure, startQueries)
}

function opened(worker: Worker, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', (message: FromWorker) => {
      worker.removeAllListeners('error').removeAllListeners('exit')
      if (message.kind === 'open') resolve()
      else if (message.kind === 'refused') reject(refusal(message.reason, file, message.message))
      else reject(new Error(`The database worker answered with ${message.kind}.`))
    })
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`The database worker ended with ${code}.`)))
  })
}

function refusal(reason: 'in-use' | 'too-new' | 'other', file: string, message: string): Error {
  if (reason === 'in-use') return new StoreInUseError(`${file} is in use: ${message}`)
  if (reason === 'too-new') return new StoreTooNewError(`${file}: ${message}`)
  return new Error(`Cannot open ${file}: ${message}`)
}

/** Called for the first query: most programs that open a file never ask one. */
type StartQueries = (failed: (error: Error) => void) => QueryThread

class WorkerDatabase implements SqliteDatabase {
  readonly #worker: Worker
  readonly #onFailure: (error: Error) => void
  readonly #texts = new SqlTexts()
  readonly #waiting = new WaitingUnits()
  readonly #startQueries: StartQueries | undefined
  #queries: QueryThread | undefined
  #committing: readonly Unit[] | undefined
  #isScheduled = false
  #failure: Error | undefined
  #closing: Promise<void> | undefined
  #whenIdle: (() => void) | undefined

  constructor(
    worker: Worker,
    onFailure: (error: Error) => void,
    startQueries: StartQueries | undefined,
  ) {
    this.#worker = worker
    this.#onFailure = onFailure
    this.#startQueries = startQueries
    worker.on('message', (message: FromWorker) => this.#receive(message))
    worker.on('error', (error) => this.#fail(error as Error))
    worker.on('exit', () =>
      this.#fail(new StoreFailedError('WORKER', 'The database worker ended.')),
    )
  }

  write(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    return new Promise((resolve, reject) => {
      let bytes = 0
      for (const { params } of statements) bytes += sizeOf(params)
      this.#accept(bytes)
      this.#add(new WriteUnit(statements, resolve, reject))
    })
  }

  read(sql: string, params: SqlRow, maxBytes = 0): Promise<readonly SqlRow[]> {
    return new Promise((resolve, reject) => {
      this.#accept(sizeOf(params))
      this.#add(new ReadUnit({ sql, params, maxBytes }, resolve, reject))
    })
  }

  async query(sql: string, params: SqlRow, maxBytes: number): Promise<readonly SqlRow[]> {
    if (this.#failure) throw this.#failure
    if (this.#closing) throw new StoreClosedError('The store is closed.')
    this.#queries ??= this.#startQueries?.((error) => this.#fail(error))
    if (!this.#queries) throw new Error('This database was opened without queryFunctions.')
    // An empty unit: once it is committed, so is all that was called before.
    return this.#queries.run({ sql, params, maxBytes }, async () => {
      if (this.#committing || !this.#waiting.isEmpty) await this.write([])
    })
  }

  defer(unit: DeferredUnit): void {
    const refused = this.#failure ?? (this.#closing && new StoreClosedError('The store is closed.'))
    // Not at once: the caller is still about to put something into the unit.
    if (refused) setImmediate(() => unit.failed(refused))
    else this.#add(new LateUnit(unit))
  }

  hurry(): void {
    if (!this.#committing) this.#dispatch()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#queries?.close()
    if (this.#committing || !this.#waiting.isEmpty) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve
      })
    }
    if (this.#failure) {
      await this.#worker.terminate()
      return
    }
    this.#worker.removeAllListeners('exit')
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.postMessage('close')
    await ended
  }

  #accept(bytes: number): void {
    if (this.#failure) throw this.#failure
    if (this.#closing) throw new StoreClosedError('The store is closed.')
    this.#waiting.makeRoom(bytes)
  }

  #add(unit: Unit): void {
    this.#waiting.add(unit)
    if (this.#isScheduled || this.#committing) return
    this.#isScheduled = true
    // After this turn, so that everything its packets ask for shares one commit.
    setImmediate(() => this.#dispatch())
  }

  #dispatch(): void {
    this.#isScheduled = false
    if (this.#committing || this.#failure || this.#waiting.isEmpty) return
    const units = this.#waiting.takeAll()
    this.#committing = units
    try {
      const group = new GroupWriter(this.#texts)
      for (const unit of units) unit.send(group)
      const values = group.values.pack()
      const { shape } = group
      const message: GroupMessage = { texts: this.#texts.takeUnsent(), shape, values }
      this.#worker.postMessage(message, transferList(values))
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #receive(message: FromWorker): void {
    if (message.kind === 'committed') this.#settle(message)
    else if (message.kind === 'failed') {
      this.#fail(new StoreFailedError(message.code, `The store failed: ${message.message}`))
    }
  }

  #settle(reply: GroupReply): void {
    const units = this.#committing ?? []
    this.#committing = undefined
    // The worker goes on with what gathered while this thread tells the others.
    this.#dispatch()
    const reader = new MessageReader(reply, true)
    for (const unit of units) unit.settle(reader)
    if (!this.#committing && this.#waiting.isEmpty) this.#whenIdle?.()
  }

  #fail(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    const units = [...(this.#committing ?? []), ...this.#waiting.takeAll()]
    this.#committing = undefined
    for (const unit of units) unit.fail(error)
    this.#onFailure(error)
    this.#whenIdle?.()
  }
}
