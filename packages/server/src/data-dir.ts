import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DEFAULT_POLICIES, makeKey, type SharedAccessPolicy } from '@twinward/hub'
import { StartError } from './start-error.ts'

/** Counts incompatible changes of the data directory. */
const FORMAT = 1
const MARKER = 'twinward.json'
const POLICIES = 'policies.json'
const READY = 'server.json'

/** What a running server tells other programs on this machine (`up --json` prints the same). */
export interface ReadyInfo {
  readonly event: 'ready'
  readonly hostName: string
  readonly listen: string
  readonly mqttPort: number
  /** `null`: AMQP is not served by this version. */
  readonly amqpPort: number | null
  readonly httpsPort: number
  readonly caFile: string
  readonly dataDir: string
  readonly pid: number
}

/**
 * Opens the data directory, making it when it is missing.
 *
 * @returns its absolute path
 * @throws {StartError} when it cannot be written or belongs to a newer version
 */
export function openDataDir(path: string): string {
  const dataDir = resolve(path)
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    const marker = join(dataDir, MARKER)
    if (!existsSync(marker)) writePrivately(marker, `${JSON.stringify({ format: FORMAT })}\n`)
    else checkFormat(dataDir, readFileSync(marker, 'utf8'))
    writePrivately(join(dataDir, '.writable'), '')
    rmSync(join(dataDir, '.writable'))
  } catch (error) {
    if (error instanceof StartError) throw error
    throw new StartError(
      `The data directory ${dataDir} cannot be written (${codeOf(error)}): ` +
        'give this user access to it, or choose another with --data-dir.',
    )
  }
  return dataDir
}

function checkFormat(dataDir: string, text: string): void {
  let format: unknown
  try {
    format = (JSON.parse(text) as { format?: unknown }).format
  } catch {
    format = undefined
  }
  if (typeof format !== 'number') {
    throw new StartError(
      `${join(dataDir, MARKER)} is damaged: restore it from a backup, it reads {"format":${FORMAT}}.`,
    )
  }
  if (format > FORMAT) {
    throw new StartError(
      `The data directory ${dataDir} was written by a newer version of Twinward (format ${format}, ` +
        `this version knows ${FORMAT}): run that version, or choose another with --data-dir.`,
    )
  }
}

/** The shared access policies; the first start makes them with random keys. */
export function openPolicies(dataDir: string): readonly SharedAccessPolicy[] {
  const file = join(dataDir, POLICIES)
  if (!existsSync(file)) {
    const policies = DEFAULT_POLICIES.map((policy) => ({
      ...policy,
      primaryKey: makeKey(),
      secondaryKey: makeKey(),
    }))
    writePrivately(file, `${JSON.stringify(policies, null, 2)}\n`)
  }
  return readPolicies(dataDir)
}

/** @throws {StartError} when the directory has no readable policies, i.e. no server ever started there */
export function readPolicies(dataDir: string): readonly SharedAccessPolicy[] {
  const file = join(resolve(dataDir), POLICIES)
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SharedAccessPolicy[]
  } catch (error) {
    throw new StartError(
      `${file} cannot be read (${codeOf(error)}): start the server once with this --data-dir.`,
    )
  }
}

export function announceReady(dataDir: string, info: ReadyInfo): void {
  writePrivately(join(dataDir, READY), `${JSON.stringify(info)}\n`, 0o644)
}

export function withdrawReady(dataDir: string): void {
  rmSync(join(dataDir, READY), { force: true })
}

/** What the server of a data directory announced, or `undefined` when none runs there. */
export function readReady(dataDir: string): ReadyInfo | undefined {
  try {
    return JSON.parse(readFileSync(join(resolve(dataDir), READY), 'utf8')) as ReadyInfo
  } catch {
    return undefined
  }
}

/** Writes a file whole or not at all, readable by this user only unless `mode` says otherwise. */
export function writePrivately(file: string, text: string, mode = 0o600): void {
  const partial = `${file}.partial`
  const handle = openSync(partial, 'w', mode)
  try {
    writeSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(partial, file)
  const folder = openSync(dirname(file), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  return code ?? message ?? 'unknown error'
}
