import { HubError } from '@twinward/protocol'
import type { WriteAuthor } from '../twins/desired-review.ts'
import type { Bulk } from './bulk.ts'
import type { Exchange, ExchangeContainer, ExchangeReader, ExchangeWriter } from './exchange.ts'
import { exportPages } from './export.ts'
import type { Identities } from './identities.ts'
import { importLines, type LineFailure } from './import.ts'
import type { RegistryJobType } from './registry-job.ts'

/** Beside the export, or instead of a result: what of an import was refused (01 §7). */
const IMPORT_ERRORS_NAME = 'importErrors.log'

/** What a caller wants done. Names are of files in the containers. */
export interface JobRequest {
  readonly type: RegistryJobType
  /** Where an import reads; ignored by exports. */
  readonly inputContainerUri: string
  /** Where an export goes, or what an import refused. */
  readonly outputContainerUri: string
  readonly inputName: string
  readonly outputName: string
  readonly excludeKeys: boolean
  /** On whose behalf. */
  readonly author?: WriteAuthor
  /** Of configurations, written empty: this version has none. Absent: not wanted. */
  readonly configurationsName?: string
}

/** What jobs work on. */
export interface JobWork {
  readonly identities: Identities
  readonly bulk: Bulk
}

/** One job, ready to run: its input is there, and its output can be written. */
export class JobRun {
  readonly #request: JobRequest
  readonly #work: JobWork
  readonly #container: ExchangeContainer
  readonly #input: ExchangeReader | undefined
  readonly #output: ExchangeWriter

  private constructor(
    request: JobRequest,
    work: JobWork,
    files: { container: ExchangeContainer; input?: ExchangeReader; output: ExchangeWriter },
  ) {
    this.#request = request
    this.#work = work
    this.#container = files.container
    this.#input = files.input
    this.#output = files.output
  }

  /** @throws {HubError} `BlobContainerValidationError` */
  static async prepare(request: JobRequest, exchange: Exchange, work: JobWork): Promise<JobRun> {
    const container = await exchange.open(request.outputContainerUri)
    if (request.type === 'export') {
      return new JobRun(request, work, {
        container,
        output: await container.write(request.outputName),
      })
    }
    const source = await exchange.open(request.inputContainerUri)
    const output = await container.write(IMPORT_ERRORS_NAME)
    try {
      const input = await source.read(request.inputName)
      return new JobRun(request, work, { container, input, output })
    } catch (error) {
      await output.discard()
      throw error
    }
  }

  /**
   * @param report  is told the percentage that is done
   * @throws the signal's reason; {HubError} when it cannot be finished
   */
  async run(signal: AbortSignal, report: (progress: number) => void): Promise<void> {
    try {
      if (this.#input) await this.#import(this.#input, signal, report)
      else await this.#export(signal, report)
    } finally {
      await this.close()
    }
  }

  /** Gives back its files; what is not complete is gone. */
  async close(): Promise<void> {
    await this.#output.discard()
    await this.#input?.close()
  }

  async #export(signal: AbortSignal, report: (progress: number) => void): Promise<void> {
    const { identities } = this.#work
    const { configurationsName, excludeKeys } = this.#request
    const { devices, modules } = await identities.count()
    let written = 0
    for await (const page of exportPages(identities, { excludeKeys, signal })) {
      await this.#output.append(page.text)
      written += page.identities
      report(percent(written, devices + modules))
    }
    signal.throwIfAborted()
    await this.#output.commit()
    if (configurationsName === undefined) return
    const configurations = await this.#container.write(configurationsName)
    await configurations.commit()
  }

  /** What was refused is told however the job ends: the other lines are in. */
  async #import(
    input: ExchangeReader,
    signal: AbortSignal,
    report: (progress: number) => void,
  ): Promise<void> {
    const errors = this.#output
    const listener = {
      failed: (failure: LineFailure) => errors.append(`${JSON.stringify(logLine(failure))}\n`),
      applied: (_counts: unknown, bytes: number) => report(percent(bytes, input.sizeBytes)),
    }
    try {
      const bulk = this.#work.bulk.as(this.#request.author)
      await importLines({ chunks: input.chunks() }, bulk, listener, signal)
    } finally {
      await errors.commit()
    }
  }
}

/** A line of `importErrors.log` (01 §7). */
export function logLine({ line, deviceId, moduleId, error }: LineFailure) {
  return {
    line,
    deviceId,
    ...(moduleId !== undefined && { moduleId }),
    errorCode: error.code,
    errorStatus: error.message,
  }
}

function percent(done: number, all: number): number {
  return all === 0 ? 0 : Math.min(99, Math.floor((100 * done) / all))
}

/** @throws {HubError} `ArgumentInvalid` */
export function readJobType(text: string): RegistryJobType {
  const type = text.toLowerCase()
  if (type === 'export' || type === 'import') return type
  throw new HubError('ArgumentInvalid', "type must be 'export' or 'import'.")
}
