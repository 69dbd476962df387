import { HubError } from '@twinward/protocol'
import {
  type ConfigurationFailure,
  configurationLines,
  type MovedConfigurations,
  restoreConfigurations,
} from '../configurations/configuration-lines.ts'
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
  /** Of the file of configurations, beside that of the identities. Absent: not wanted. */
  readonly configurationsName?: string
}

/** What jobs work on. */
export interface JobWork {
  readonly identities: Identities
  readonly bulk: Bulk
  readonly configurations: MovedConfigurations
}

interface JobFiles {
  readonly container: ExchangeContainer
  /** Of an import. */
  readonly input?: ExchangeReader
  readonly configurations?: ExchangeReader
  readonly output: ExchangeWriter
}

/** One job, ready to run: its input is there, and its output can be written. */
export class JobRun {
  readonly #request: JobRequest
  readonly #work: JobWork
  readonly #files: JobFiles

  private constructor(request: JobRequest, work: JobWork, files: JobFiles) {
    this.#request = request
    this.#work = work
    this.#files = files
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
    let input: ExchangeReader | undefined
    try {
      input = await source.read(request.inputName)
      const name = request.configurationsName
      const configurations = name === undefined ? undefined : await source.read(name)
      const files = { container, input, output, ...(configurations && { configurations }) }
      return new JobRun(request, work, files)
    } catch (error) {
      await input?.close()
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
      const { input } = this.#files
      if (input) await this.#import(input, signal, report)
      else await this.#export(signal, report)
    } finally {
      await this.close()
    }
  }

  /** Gives back its files; what is not complete is gone. */
  async close(): Promise<void> {
    const { output, input, configurations } = this.#files
    await output.discard()
    await input?.close()
    await configurations?.close()
  }

  async #export(signal: AbortSignal, report: (progress: number) => void): Promise<void> {
    const { identities } = this.#work
    const { configurationsName, excludeKeys } = this.#request
    const { output } = this.#files
    const { devices, modules } = await identities.count()
    let written = 0
    for await (const page of exportPages(identities, { excludeKeys, signal })) {
      await output.append(page.text)
      written += page.identities
      report(percent(written, devices + modules))
    }
    signal.throwIfAborted()
    await output.commit()
    if (configurationsName !== undefined) await this.#exportConfigurations(configurationsName)
  }

  async #exportConfigurations(name: string): Promise<void> {
    const output = await this.#files.container.write(name)
    try {
      await output.append(configurationLines(this.#work.configurations))
      await output.commit()
    } finally {
      await output.discard()
    }
  }

  /**
   * Identities first, so that their twins get configurations in one go. What was refused is told however
   * the job ends: the other lines are in.
   */
  async #import(
    input: ExchangeReader,
    signal: AbortSignal,
    report: (progress: number) => void,
  ): Promise<void> {
    const { output: errors, configurations: documents } = this.#files
    const { author } = this.#request
    const { bulk, configurations } = this.#work
    const log = (line: object) => errors.append(`${JSON.stringify(line)}\n`)
    const listener = {
      failed: (failure: LineFailure) => log(logLine(failure)),
      applied: (_counts: unknown, bytes: number) => report(percent(bytes, input.sizeBytes)),
    }
    try {
      await importLines({ chunks: input.chunks() }, bulk.as(author), listener, signal)
      if (!documents) return
      const failed = (failure: ConfigurationFailure) => log(configurationLogLine(failure))
      const restore = { configurations, author, failed }
      await restoreConfigurations(documents.chunks(), restore, signal)
    } finally {
      await errors.commit()
    }
  }
}

function configurationLogLine({ line, configurationId, error }: ConfigurationFailure) {
  return { line, configurationId, errorCode: error.code, errorStatus: error.message }
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
