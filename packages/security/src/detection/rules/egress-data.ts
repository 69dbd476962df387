import { isIP } from 'node:net'
import type { JsonObject } from '@twinward/protocol'
import type { ConnectionRecord } from '../../ingestion/record.ts'
import { ASK_WHO_RAN_IT, HAND_OVER } from '../advice.ts'
import type { Command, Segment } from '../command/command.ts'
import { type Clue, matchCommand } from '../command-rule.ts'
import { matchConnection } from '../connection-match.ts'
import { inLine, ofConnection } from '../explain/conditions.ts'
import type { AlertType, Match, Rule, RuleMemory } from '../rule.ts'
import { canonicalAddress, isPublicAddress } from '../sets/addresses.ts'
import { hostOf } from '../sets/downloads.ts'

/** Bytes to one public address within one hour that count however much the device usually sends. */
export const MIN_BYTES_OUT = 100_000_000
/** … and so many times the median of the hours of the last days. */
export const USUAL_FACTOR = 10
const HOUR_MS = 3_600_000
/** Hours that the median is taken of: seven days. */
const USUAL_HOURS = 7 * 24
/** Addresses counted in one hour; beyond, the one with the fewest bytes is forgotten. */
const MAX_ADDRESSES = 16

const type: AlertType = {
  number: 31,
  alertType: 'IoT_EgressData',
  displayName: 'Possible loss of data detected',
  severity: 'Medium',
  intent: 'Exfiltration',
  description:
    'A command sends files of the device to another machine, or much more data than usual goes to ' +
    'one address. Backups look the same, which is why the receiver matters.',
  remediationSteps: [
    'Read which files go where. Is the receiver one of yours?',
    ASK_WHO_RAN_IT,
    'If it is a backup or an upload that you know, dismiss the alert.',
    'If not, block the receiver, and assume that what was sent is known to others: replace keys ' +
      'and passwords in it.',
    HAND_OVER,
  ],
  techniques: ['T1048', 'T1041'],
}

const MEMORY = 'IoT_EgressData'

/** Files piped, posted or copied to other machines, and volumes far beyond the usual. */
export const egressData: Rule = {
  type,
  kinds: ['proc', 'conn'],
  conditions: [
    ...inLine(
      [['a program that can send is called as such', (each) => isSender(each) || !!uploads(each)]],
      'it sends a file, or the output of a program that reads files',
    ),
    ...ofConnection(
      [
        ['the agent counts what is sent, and something was', ({ bytesOut = 0 }) => bytesOut > 0],
        ['it goes to a public address', (record) => isPublicAddress(record.remoteAddress)],
      ],
      'within the hour more goes there than 100 MB and ten times the usual, for the first time',
      ({ remoteAddress }, memory) => tellVolume(canonicalAddress(remoteAddress), memory),
    ),
  ],
  evaluate(analysed, memory) {
    const { record } = analysed
    if (record.kind === 'conn') return countBytes(record, memory)
    return matchCommand(analysed, sends)
  },
}

const READERS: ReadonlySet<string> = new Set([
  ...['tar', 'zip', '7z', 'gzip', 'bzip2', 'xz', 'zstd', 'cat', 'dd', 'mysqldump', 'pg_dump'],
  ...['find', 'base64', 'cpio', 'openssl', 'pg_dumpall', 'mongodump'],
])
const NETCATS: ReadonlySet<string> = new Set(['nc', 'ncat', 'netcat', 'telnet'])

function sends({ segments }: Command): Clue | undefined {
  // The reader whose output flows through the pipeline at this place.
  let reader: string | undefined
  for (const segment of segments) {
    const { program, connective } = segment
    if (connective !== '|') reader = undefined
    if (reader !== undefined && isSender(segment)) {
      return { seen: `the output of ${reader} is sent away by ${program}` }
    }
    const clue = uploads(segment)
    if (clue) return clue
    if (READERS.has(program) && !isSystemFact(segment)) reader ??= program
  }
  return undefined
}

/** `cat /proc/…` tells of the system and holds nobody's data. */
function isSystemFact({ program, args }: Segment): boolean {
  return program === 'cat' && (args.length === 0 || args.every((arg) => arg.startsWith('/proc/')))
}

function isSender({ program, args }: Segment): boolean {
  if (NETCATS.has(program))
    return !isHere(args.find((arg) => arg[0] !== '-') ?? '') && !args.includes('-l')
  if (program === 'socat') return args.some((arg) => /^(tcp|udp|openssl|ssl)/i.test(arg))
  if (program === 'ssh') return true
  if (program === 'openssl') return args.includes('s_client')
  if (program === 'curl') return args.some((arg) => BODY_OPTIONS.has(arg) || arg.startsWith('-T'))
  return (
    program === 'wget' && args.some((arg) => arg.startsWith('--post') || arg.startsWith('--body'))
  )
}

const BODY_OPTIONS: ReadonlySet<string> = new Set([
  ...['-d', '--data', '--data-binary', '--data-raw', '-T', '--upload-file', '-F', '--form'],
])

/** `-F x=@f`, `--data-binary @f`, `-T f`, `--post-file=f`, `scp f host:`, `rsync f host:` */
function uploads({ program, args }: Segment): Clue | undefined {
  if (program === 'curl') {
    const isSent = !isToHere(args) && args.some((arg, at) => isUpload(arg, args[at + 1] ?? ''))
    return isSent ? { seen: 'curl sends a file' } : undefined
  }
  if (program === 'wget') {
    const isFile = args.some(
      (arg) => arg.startsWith('--post-file') || arg.startsWith('--body-file'),
    )
    return isFile ? { seen: 'wget sends a file' } : undefined
  }
  if (program !== 'scp' && program !== 'rsync') return undefined
  const operands = args.filter((arg) => arg[0] !== '-')
  const host = operands.length > 1 ? remoteHost(operands.at(-1) ?? '') : undefined
  if (host === undefined) return undefined
  const isInside = isIP(host) !== 0 && !isPublicAddress(host)
  // From one machine of the plant to another: worth knowing, hardly ever worth a call.
  return {
    seen: `${program} copies files to another machine`,
    ...(isInside && { severity: 'Low' as const }),
  }
}

function isUpload(arg: string, next: string): boolean {
  if (arg === '-T' || arg === '--upload-file') return next !== '' && next[0] !== '-'
  if (arg === '-F' || arg === '--form') return next.includes('=@') || next.includes('=<')
  if (arg.startsWith('-F') && arg[1] !== '-') return arg.includes('=@')
  if (arg.startsWith('--upload-file=') || (arg.startsWith('-T') && arg.length > 2)) return true
  return BODY_OPTIONS.has(arg) && next[0] === '@' && next !== '@-' && !isRequest(next)
}

function isToHere(args: readonly string[]): boolean {
  return args.some((arg) => {
    const bare = arg.slice(arg.indexOf('://') < 0 ? 0 : arg.indexOf('://') + 3)
    return isHere(bare.split(/[:/]/)[0] ?? '') || arg.startsWith('--unix-socket')
  })
}

function isHere(host: string): boolean {
  return host === 'localhost' || host === '127.0.0.1' || host === '[' || host === '::1'
}

/** `@body.json` beside the script that calls an interface; what is taken from elsewhere is data. */
function isRequest(file: string): boolean {
  return file.endsWith('.json') && !'/~$.'.includes(file[1] ?? '/')
}

/** The host of `host:path`, `u@host:`, `rsync://host/x`; not of `./a:b`, not of `localhost:x`. */
function remoteHost(target: string): string | undefined {
  if (target.startsWith('rsync://')) return hostOf(target)
  const colon = target.indexOf(':')
  const slash = target.indexOf('/')
  if (colon < 1 || (slash >= 0 && slash < colon)) return undefined
  const host = target.slice(target.indexOf('@') + 1, colon)
  return isHere(host) ? undefined : host
}

/** Bytes of one hour by address, and the largest of each of the hours before. */
interface Volume {
  readonly hour: number
  readonly bytes: { readonly [address: string]: number }
  readonly told: readonly string[]
  readonly usual: readonly number[]
}

function countBytes(record: ConnectionRecord, memory: RuleMemory): Match | undefined {
  const { bytesOut = 0, remoteAddress, header } = record
  const address = canonicalAddress(remoteAddress)
  if (bytesOut === 0 || !isPublicAddress(address)) return undefined
  const before = rolled(volumeOf(memory.get(MEMORY)), Math.floor(header.timeMs / HOUR_MS))
  const sum = (Object.hasOwn(before.bytes, address) ? (before.bytes[address] ?? 0) : 0) + bytesOut
  const isMuch = sum > Math.max(MIN_BYTES_OUT, USUAL_FACTOR * median(before.usual))
  const isNew = isMuch && !before.told.includes(address)
  const bytes = Object.entries({ ...before.bytes, [address]: sum })
    .sort(([, a], [, b]) => b - a)
    .slice(0, MAX_ADDRESSES)
  const told = isNew ? [...before.told, address].slice(-MAX_ADDRESSES) : before.told
  memory.set(MEMORY, { ...before, bytes: Object.fromEntries(bytes), told })
  if (!isNew) return undefined
  const megabytes = Math.round(sum / 1_000_000)
  return matchConnection(record, address, `${megabytes} MB went to one address within an hour`)
}

/** A record from before the current hour counts to the current one. */
function rolled(volume: Volume, hour: number): Volume {
  if (hour <= volume.hour) return volume
  const most = Object.values(volume.bytes).reduce((max, each) => Math.max(max, each), 0)
  const usual = [...volume.usual, most].slice(-USUAL_HOURS)
  return { hour, bytes: {}, told: [], usual: volume.hour === 0 ? [] : usual }
}

function tellVolume(address: string, memory: RuleMemory): string {
  const { bytes, usual, told } = volumeOf(memory.get(MEMORY))
  const sum = Object.hasOwn(bytes, address) ? (bytes[address] ?? 0) : 0
  const limit = Math.max(MIN_BYTES_OUT, USUAL_FACTOR * median(usual))
  const isTold = told.includes(address) ? ', told already' : ''
  return `${address}: ${sum} of ${limit} bytes in the hour${isTold}`
}

function median(values: readonly number[]): number {
  const ordered = values.toSorted((a, b) => a - b)
  return ordered[Math.floor(ordered.length / 2)] ?? 0
}

function volumeOf(stored: JsonObject | undefined): Volume {
  if (typeof stored?.hour !== 'number') return { hour: 0, bytes: {}, told: [], usual: [] }
  return stored as unknown as Volume
}
