import { HubError } from '../../errors.ts'
import type { JsonObject } from '../../json.ts'
import { formatIpv4, formatIpv6 } from './addresses.ts'
import type { FlatBuffer, FlatTable, FlatVector } from './flat-buffer.ts'

/** One kind of payload of the binary union, and how its elements read in messages of schema 2.0. */
export interface BinaryPayloadKind {
  readonly name: string
  readonly category: 'Periodic' | 'Triggered'
  readonly eventType: 'Security' | 'Operational' | 'Diagnostic'
  readonly read: (buffer: FlatBuffer, table: FlatTable) => readonly JsonObject[]
}

const periodic = { category: 'Periodic', eventType: 'Security' } as const

/** By number in the union `Payload`. Later versions add to the end; their layouts are not public. */
export const binaryPayloadKinds: ReadonlyMap<number, BinaryPayloadKind> = new Map([
  [1, { name: 'NetworkActivity', ...periodic, read: readNetworkActivity }],
  [2, { name: 'SystemInformation', ...periodic, read: readSystemInformation }],
  [3, { name: 'ListeningPorts', ...periodic, read: readListeningPorts }],
  [4, { name: 'Heartbeat', ...periodic, read: () => [] }],
  [5, { name: 'Baseline', ...periodic, read: readBaseline }],
  [
    6,
    { name: 'Process', category: 'Triggered', eventType: 'Security', read: readProcess } as const,
  ],
  [7, { name: 'Log', category: 'Triggered', eventType: 'Diagnostic', read: readLog } as const],
])

/** The word of a number, or the number itself where a later version has more words. */
function word(words: readonly string[], number: number): string {
  return words[number] ?? String(number)
}

const TRANSPORTS = ['TCP', 'UDP', 'ICMP']
const RESULTS = ['pass', 'fail', 'error']
const SEVERITIES = ['critical', 'important', 'warning', 'informational']
const PROCESS_TYPES = ['fork', 'exec', 'exit']
const LEVELS = ['NOTSET', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG']

function readNetworkActivity(buffer: FlatBuffer, table: FlatTable): readonly JsonObject[] {
  return [
    ...readConnections(buffer, buffer.vector(table, 0, 4), 4),
    ...readConnections(buffer, buffer.vector(table, 1, 4), 16),
  ]
}

function readConnections(
  buffer: FlatBuffer,
  vector: FlatVector,
  addressBytes: 4 | 16,
): readonly JsonObject[] {
  const format = addressBytes === 4 ? formatIpv4 : formatIpv6
  return listOf(vector, (index) => {
    const activity = buffer.tableIn(vector, index)
    const addresses = required(buffer.struct(activity, 0, 2 * addressBytes), 'addresses')
    const common = required(buffer.table(activity, 1), 'common')
    return {
      localAddr: format(addresses.subarray(0, addressBytes)),
      localPort: buffer.uint16(common, 0),
      remoteAddr: format(addresses.subarray(addressBytes)),
      remotePort: buffer.uint16(common, 1),
      transport: word(TRANSPORTS, buffer.int8(common, 4)),
      bytesIn: buffer.uint32(common, 2),
      bytesOut: buffer.uint32(common, 3),
      hits: 1,
      pid: buffer.uint16(common, 5),
      uid: buffer.uint16(common, 6),
      ...optional('exe', buffer.text(common, 7)),
      ...optional('cmdline', buffer.text(common, 8)),
    }
  })
}

/** What the legacy message has no member for goes into `ExtraDetails`. */
function readSystemInformation(buffer: FlatBuffer, table: FlatTable): readonly JsonObject[] {
  const details = {
    ...optional('KernelInfo', buffer.text(table, 1)),
    ...optional('HardwareInfo', buffer.text(table, 2)),
  }
  return [{ ...optional('OSName', buffer.text(table, 0)), ExtraDetails: details }]
}

function readListeningPorts(buffer: FlatBuffer, table: FlatTable): readonly JsonObject[] {
  return [
    ...readPorts(buffer, buffer.vector(table, 0, 8), { addressBytes: 4, size: 8 }),
    ...readPorts(buffer, buffer.vector(table, 1, 20), { addressBytes: 16, size: 20 }),
  ]
}

function readPorts(
  buffer: FlatBuffer,
  vector: FlatVector,
  { addressBytes, size }: { readonly addressBytes: 4 | 16; readonly size: number },
): readonly JsonObject[] {
  const format = addressBytes === 4 ? formatIpv4 : formatIpv6
  return listOf(vector, (index) => {
    const struct = buffer.structIn(vector, index, size)
    const [low = 0, high = 0, protocol = 0] = struct.subarray(addressBytes)
    return {
      LocalAddress: format(struct.subarray(0, addressBytes)),
      LocalPort: String(low | (high << 8)),
      Protocol: word(TRANSPORTS, protocol),
    }
  })
}

function readBaseline(buffer: FlatBuffer, table: FlatTable): readonly JsonObject[] {
  const checks = buffer.vector(table, 0, 4)
  return listOf(checks, (index) => {
    const check = buffer.tableIn(checks, index)
    return {
      checkId: required(buffer.text(check, 0), 'id'),
      result: word(RESULTS, buffer.int8(check, 1)),
      severity: word(SEVERITIES, buffer.int8(check, 4)),
      ...optional('error', buffer.text(check, 2)),
      ...optional('description', buffer.text(check, 3)),
      ...optional('remediation', buffer.text(check, 5)),
    }
  })
}

function readProcess(buffer: FlatBuffer, table: FlatTable): readonly JsonObject[] {
  const process = {
    pid: buffer.uint32(table, 1),
    ppid: buffer.uint32(table, 2),
    uid: buffer.uint32(table, 3),
    ...optional('user', buffer.text(table, 4)),
    ...optional('exe', buffer.text(table, 0)),
    ...optional('cmdline', buffer.text(table, 5)),
    type: word(PROCESS_TYPES, buffer.int8(table, 6)),
    hits: buffer.uint32(table, 7, 1),
  }
  return [process]
}

function readLog(buffer: FlatBuffer, table: FlatTable): readonly JsonObject[] {
  const records = buffer.vector(table, 0, 4)
  return listOf(records, (index) => {
    const record = buffer.tableIn(records, index)
    const timestamp = buffer.uint64(record, 2)
    return {
      level: word(LEVELS, buffer.int8(record, 1)),
      message: required(buffer.text(record, 0), 'message'),
      file: required(buffer.text(record, 4), 'filename'),
      line: buffer.uint32(record, 3),
      // Nobody says in which unit, and a double does not hold every 64-bit number.
      ...(timestamp !== 0n && { time: String(timestamp) }),
    }
  })
}

function listOf(vector: FlatVector, read: (index: number) => JsonObject): readonly JsonObject[] {
  return Array.from({ length: vector.count }, (_, index) => read(index))
}

function optional(name: string, value: string | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value }
}

/** @throws {HubError} `ArgumentInvalid` for a field that every buffer must have */
export function required<T>(value: T | undefined, field: string): T {
  if (value !== undefined) return value
  throw new HubError('ArgumentInvalid', `${field}: required, but missing`)
}
