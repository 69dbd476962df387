import { randomBytes } from 'node:crypto'
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
const PROVISIONING = 'provisioning.json'
const ID_SCOPE = /^0ne[0-9a-f]{8}$/
/** Policies that earlier versions did not make; a start adds them. */
const ADDED_POLICIES = ['provisioningserviceowner']
const READY = 'server.json'

/** What a running server tells other programs on this machine (`up --json` prints the same). */
export interface ReadyInfo {
  readonly event: 'ready'
  readonly hostName: string
  readonly listen: string
  readonly mqttPort: number
  readonly amqpPort: number
  readonly httpsPort: number
  readonly caFile: string
  readonly dataDir: string
  readonly pid: number
  /** Host name of the hub whose devices a security service alone watches; MQTT and AMQP are there. */
  readonly attachedTo?: string
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

/**
 * The shared access policies. The first start makes them with random keys, a later one those that its
 * version has and the earlier one had not; the others stay as they are.
 */
export function openPolicies(dataDir: string): readonly SharedAccessPolicy[] {
  const file = join(dataDir, POLICIES)
  const known = existsSync(file) ? readPolicies(dataDir) : undefined
  const missing = DEFAULT_POLICIES.filter(({ name }) => {
    if (!known) return true
    return ADDED_POLICIES.includes(name) && known.every((policy) => policy.name !== name)
  }).map((policy) => ({ ...policy, primaryKey: makeKey(), secondaryKey: makeKey() }))
  const policies = [...(known ?? []), ...missing]
  if (missing.length > 0) writePrivately(file, `${JSON.stringify(policies, null, 2)}\n`)
  return policies
}

/**
 * The id scope of the provisioning service, which devices are told: made by the first start, fixed from
 * then on.
 *
 * @throws {StartError} when the file is damaged
 */
export function openIdScope(dataDir: string): string {
  const file = join(dataDir, PROVISIONING)
  if (!existsSync(file)) {
    const idScope = `0ne${randomBytes(4).toString('hex')}`
    writePrivately(file, `${JSON.stringify({ idScope })}\n`)
  }
  let idScope: unknown
  try {
    idScope = (JSON.parse(readFileSync(file, 'utf8')) as { idScope?: unknown } | null)?.idScope
  } catch {
    idScope = undefined
  }
  if (typeof idScope === 'string' && ID_SCOPE.test(idScope)) return idScope
  throw new StartError(
    `${file} is damaged: restore it from a backup, it reads {"idScope":"0ne…"} with 8 digits.`,
  )
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

/** Where the API is reached, without a slash at the end. */
export function apiUrl({ hostName, httpsPort }: Pick<ReadyInfo, 'hostName' | 'httpsPort'>): string {
  return `https://${hostName}${httpsPort === 443 ? '' : `:${httpsPort}`}`
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
