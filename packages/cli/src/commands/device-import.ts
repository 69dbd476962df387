import { createReadStream } from 'node:fs'
import { isJsonObject } from '@twinward/protocol'
import type { Api } from '../api-client.ts'
import { apiOf, type Command, CommandError } from '../command.ts'
import { type Output, printable } from '../output.ts'

/** What one request carries, unless a device with its modules is more. */
const PART_LINES = 1000
const PART_CHARACTERS = 4 * 1024 * 1024
/** Refused lines that are told; the others are counted. */
const MAX_TOLD_ERRORS = 100
/** The server takes shorter ones only. */
const MAX_LINE_CHARACTERS = 1024 * 1024
const PROGRESS_INTERVAL_MS = 2000

/** What `/api/registry/import` answers. */
interface Report {
  readonly lines: number
  readonly succeeded: number
  readonly failed: number
  readonly errors: readonly {
    readonly line: number
    readonly deviceId: string
    readonly moduleId?: string
    readonly errorCode: string
    readonly errorStatus: string
  }[]
}

export const deviceImport: Command = {
  arguments: [{ syntax: '<file>', description: 'of `device export`; - for standard input' }],
  talksTo: 'server',
  details:
    'Each line is an identity of IoT Hub’s export format; without an importMode it is created, or ' +
    'replaced when it exists. A line that fails does not stop the others; the exit code is then 1.',
  examples: [
    ['device import fleet.ndjson', 'what `device export` wrote'],
    ['device import - --json < fleet.ndjson', 'for a program'],
  ],

  async run(input, context) {
    const file = input.argument(0)
    const { out } = context
    const chunks = file === '-' ? context.stdin : createReadStream(file)
    const lines = readLines(chunks, file)
    const total = await importParts(lines, apiOf(input, context), out)
    if (out.isJson) out.json(total)
    else out.print(`Imported ${total.succeeded} of ${total.lines} lines.`)
    if (total.failed > 0) throw new CommandError(`${total.failed} lines failed.`)
  },
}

async function importParts(lines: AsyncIterable<string>, api: Api, out: Output): Promise<Report> {
  let total: Report = { lines: 0, succeeded: 0, failed: 0, errors: [] }
  let toldAtMs = Date.now()
  for await (const { firstLine, text } of readParts(lines)) {
    const report = await api.upload<Report>('/api/registry/import', { firstLine }, text)
    const errors = [...total.errors, ...report.errors].slice(0, MAX_TOLD_ERRORS)
    for (const error of errors.slice(total.errors.length)) out.note(describe(error))
    total = {
      lines: total.lines + report.lines,
      succeeded: total.succeeded + report.succeeded,
      failed: total.failed + report.failed,
      errors,
    }
    if (Date.now() - toldAtMs < PROGRESS_INTERVAL_MS) continue
    toldAtMs = Date.now()
    out.note(`${total.lines} lines, ${total.failed} failed …`)
  }
  return total
}

interface Part {
  readonly firstLine: number
  readonly text: string
}

/** Parts that end where a device and its modules end: the server creates those in one write. */
async function* readParts(source: AsyncIterable<string>): AsyncGenerator<Part> {
  let lines: string[] = []
  let characters = 0
  let number = 0
  let lastDevice: string | undefined
  const take = () => {
    const part = { firstLine: number - lines.length + 1, text: `${lines.join('\n')}\n` }
    lines = []
    characters = 0
    return part
  }
  for await (const line of source) {
    const isFull = lines.length >= PART_LINES || characters >= PART_CHARACTERS
    const deviceId = deviceOf(line)
    if (isFull && (deviceId === undefined || deviceId !== lastDevice)) yield take()
    lastDevice = deviceId
    lines.push(line)
    characters += line.length
    number++
  }
  if (lines.length > 0) yield take()
}

/** @throws {CommandError} for what cannot be read as lines of UTF-8 */
async function* readLines(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  try {
    for await (const chunk of chunks) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > MAX_LINE_CHARACTERS) throw new Error('a line is too long')
      yield* lines
    }
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}`)
  }
  if (rest !== '') yield rest
}

function deviceOf(line: string): string | undefined {
  try {
    const entry: unknown = JSON.parse(line)
    return isJsonObject(entry) && typeof entry.id === 'string' ? entry.id : undefined
  } catch {
    return undefined
  }
}

function describe({ line, deviceId, moduleId, ...error }: Report['errors'][number]): string {
  const who = moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`
  return printable(
    `line ${line}: ${who ? `${who}: ` : ''}${error.errorStatus} (${error.errorCode})`,
  )
}
