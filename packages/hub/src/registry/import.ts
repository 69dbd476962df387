import { HubError, parseJson } from '@twinward/protocol'
import type { Bulk } from './bulk.ts'
import {
  checkImportEntry,
  type ImportEntry,
  type ImportEntryBody,
  readImportEntry,
} from './import-entry.ts'
import { type Line, splitLines } from './lines.ts'

/** Lines that are applied together, unless a device's own are more. */
const GROUP_LINES = 200
/** A group ends here even within a device. */
const MAX_GROUP_LINES = 1000

/** A line that was refused. */
export interface LineFailure {
  /** From 1. */
  readonly line: number
  /** Empty when the line does not tell. */
  readonly deviceId: string
  readonly moduleId?: string
  readonly error: HubError
}

export interface ImportCounts {
  /** Lines that say something: not empty, and no remark in the first line. */
  readonly lines: number
  readonly failed: number
}

export interface ImportSource {
  readonly chunks: AsyncIterable<Uint8Array>
  /** Number of the first line, of a file that comes in parts; default 1. */
  readonly firstLine?: number
}

export interface ImportListener {
  failed(failure: LineFailure): void | Promise<void>
  /** After each group, whose lines are durable. @param bytes  read so far */
  applied?(counts: ImportCounts, bytes: number): void
}

interface NumberedEntry extends ImportEntry {
  readonly line: number
}

/**
 * Applies an export, or a list of entries (01 §5), line by line. Each line succeeds or fails by itself;
 * memory is that of one group, whatever the length of the file.
 *
 * @throws {HubError} `ServiceUnavailable` when the store takes no more; the signal's reason
 */
export async function importLines(
  { chunks, firstLine = 1 }: ImportSource,
  bulk: Bulk,
  listener: ImportListener,
  signal?: AbortSignal,
): Promise<ImportCounts> {
  const run = new ImportRun(bulk, listener)
  let bytes = 0
  for await (const batch of splitLines(chunks, firstLine)) {
    for (const line of batch.lines) {
      if (await run.add(line)) {
        signal?.throwIfAborted()
        listener.applied?.(run.counts, bytes)
      }
    }
    bytes = batch.bytes
  }
  await run.flush()
  listener.applied?.(run.counts, bytes)
  return run.counts
}

/** Gathers lines into groups, whose devices are applied side by side. */
class ImportRun {
  readonly #bulk: Bulk
  readonly #listener: ImportListener
  #devices = new Map<string, NumberedEntry[]>()
  #gathered = 0
  #lastDevice = ''
  #lines = 0
  #failed = 0

  constructor(bulk: Bulk, listener: ImportListener) {
    this.#bulk = bulk
    this.#listener = listener
  }

  get counts(): ImportCounts {
    return { lines: this.#lines, failed: this.#failed }
  }

  /** @returns whether a group was applied */
  async add(line: Line): Promise<boolean> {
    if (isRemark(line)) return false
    this.#lines++
    const entry = await this.#read(line)
    if (!entry) return false
    const { deviceId } = entry.ref
    // A device and its modules belong into one group: they are created in one write.
    const isFull = this.#gathered >= GROUP_LINES && deviceId !== this.#lastDevice
    const hasLeft = isFull || this.#gathered >= MAX_GROUP_LINES
    if (hasLeft) await this.flush()
    this.#lastDevice = deviceId
    this.#gathered++
    const entries = this.#devices.get(deviceId)
    if (entries) entries.push(entry)
    else this.#devices.set(deviceId, [entry])
    return hasLeft
  }

  async flush(): Promise<void> {
    const groups = [...this.#devices.values()]
    this.#devices = new Map()
    this.#gathered = 0
    const failures = await Promise.all(groups.map((entries) => this.#bulk.restore(entries)))
    for (const { entry, error } of failures.flat()) {
      if (error.code === 'ServiceUnavailable') throw error
      await this.#fail({ line: entry.line, ...entry.ref, error })
    }
  }

  async #read(line: Line): Promise<NumberedEntry | undefined> {
    let body: ImportEntryBody | undefined
    try {
      body = checkImportEntry(parse(line))
      requireStatus(body)
      return { ...readImportEntry(body), line: line.number }
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      const { id: deviceId = '', moduleId } = body ?? {}
      await this.#fail({
        line: line.number,
        deviceId,
        ...(moduleId && { moduleId }),
        error,
      })
      return undefined
    }
  }

  async #fail(failure: LineFailure): Promise<void> {
    this.#failed++
    await this.#listener.failed(failure)
  }
}

/** Empty lines, and the plain text that an export without keys begins with. */
function isRemark({ number, text }: Line): boolean {
  if (text === undefined) return false
  const start = text.trimStart()
  return start === '' || (number === 1 && !start.startsWith('{'))
}

function parse({ text }: Line): unknown {
  if (text === undefined) {
    throw new HubError('DeserializationError', 'The line is too long, or no UTF-8.')
  }
  return parseJson(text, 'DeserializationError')
}

/** IoT Hub imports no device without it (01 §7); what is deleted, or only a twin, needs none here. */
function requireStatus({ status, moduleId, importMode }: ImportEntryBody): void {
  if (status || moduleId || /^(?:delete|updateTwin)/i.test(importMode ?? '')) return
  throw new HubError('ArgumentInvalid', 'status is missing.')
}
