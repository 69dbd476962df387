import type {
  ConnectionRecord,
  DetailRecord,
  ProcessRecord,
  SecurityRecord,
} from '../../ingestion/record.ts'
import { fileFacts } from '../file-facts.ts'
import type { Logsource } from './sigma-rule.ts'

/** A field that records of a class have. */
export interface Field {
  readonly name: string
  /**
   * All that it can say; absent = anything. A rule that asks for something else can never match.
   */
  readonly only?: readonly string[]
}

/** Values of a class's fields, in their order; `undefined` and `''`: the event does not say. */
export type View = readonly (string | undefined)[]

/** Events of one log source, as Sigma knows it, made of our records. */
export interface EventClass {
  readonly name: string
  /** What it reads, for lists and documents. */
  readonly source: string
  readonly kinds: readonly SecurityRecord['kind'][]
  readonly fields: readonly Field[]
  /** One view for each event of this class that the record stands for. */
  read(record: SecurityRecord): readonly View[]
}

/** Arguments of a command that rules on audit events can ask for: `a0` to `a31`. */
export const MAX_ARGUMENTS = 32
/** `comm` of the kernel is cut there. */
const MAX_COMM_CHARACTERS = 15

function named(...names: readonly string[]): readonly Field[] {
  return names.map((name) => ({ name }))
}

const HASHES: ReadonlyMap<number, string> = new Map([
  [32, 'MD5'],
  [40, 'SHA1'],
  [64, 'SHA256'],
])

const processCreation: EventClass = {
  name: 'process_creation',
  source: 'started processes',
  kinds: ['proc'],
  fields: [
    ...named('Image', 'CommandLine', 'User', 'UserId', 'ProcessId', 'ParentProcessId'),
    ...named('Hashes', 'md5', 'sha1', 'sha256'),
  ],
  read(record) {
    if (record.kind !== 'proc' || record.type !== 'exec') return []
    const { exe, cmd, user, uid, pid, ppid, hash } = record
    const facts = [exe, cmd, user, uid, pid ? String(pid) : '', ppid ? String(ppid) : '']
    return [hash === undefined ? facts : [...facts, ...hashFields(hash)]]
  },
}

function hashFields(hash: string): View {
  const algorithm = HASHES.get(hash.length)
  const own = [...HASHES.values()].map((name) => (name === algorithm ? hash : undefined))
  return [algorithm && `${algorithm}=${hash}`, ...own]
}

/** A class of file events: those whose facts are meant. */
function fileClass(
  name: string,
  source: string,
  isMeant: (facts: ReturnType<typeof fileFacts>) => boolean,
): EventClass {
  return {
    name,
    source,
    kinds: ['file'],
    fields: named('TargetFilename'),
    read(record) {
      if (record.kind !== 'file') return []
      const facts = fileFacts(record as DetailRecord)
      return facts.path !== '' && isMeant(facts) ? [[facts.path]] : []
    },
  }
}

const networkConnection: EventClass = {
  name: 'network_connection',
  source: 'connections',
  kinds: ['conn'],
  fields: [
    ...named('Image', 'CommandLine', 'UserId', 'Protocol', 'SourceIp', 'SourcePort'),
    ...named('DestinationIp', 'DestinationPort', 'DestinationHostname'),
    { name: 'Initiated', only: ['true', 'false'] },
  ],
  read(record) {
    return record.kind === 'conn' ? [connectionView(record)] : []
  },
}

/** The source is who opened the connection: of one that came in, the other side. */
function connectionView(record: ConnectionRecord): View {
  const { exe, cmd, uid, protocol, direction, host } = record
  const local = [record.localAddress, record.localPort]
  const remote = [record.remoteAddress, record.remotePort]
  const ends = direction === 'in' ? [...remote, ...local] : [...local, ...remote]
  const initiated = direction === 'unknown' ? undefined : String(direction === 'out')
  // The name is that of the other side, which is the destination only of what goes out.
  const hostname = direction === 'in' ? undefined : host
  return [exe, cmd, uid, protocol, ...ends, hostname, initiated]
}

const dnsQuery: EventClass = {
  name: 'dns_query',
  source: 'asked names',
  kinds: ['dns'],
  fields: named('QueryName', 'query'),
  read: (record) => (record.kind === 'dns' ? [[record.name, record.name]] : []),
}

const AUDIT_TYPES = ['EXECVE', 'SYSCALL', 'PROCTITLE', 'PATH']
/** The views below have their values in this order; what they leave out at the end is not said. */
const AUDIT_FIELDS: readonly Field[] = [
  { name: 'type', only: AUDIT_TYPES },
  { name: 'syscall', only: ['execve'] },
  { name: 'nametype', only: ['CREATE', 'NORMAL', 'DELETE'] },
  ...named('exe', 'comm', 'uid', 'pid', 'ppid', 'proctitle', 'name'),
  ...named(...Array.from({ length: MAX_ARGUMENTS }, (_, at) => `a${at}`)),
]
const NONE = undefined

const auditd: EventClass = {
  name: 'auditd',
  source: 'started processes and files, as audit records say it',
  kinds: ['proc', 'file'],
  fields: AUDIT_FIELDS,
  read(record) {
    if (record.kind === 'proc' && record.type === 'exec') return processAudits(record)
    if (record.kind !== 'file') return []
    const { path, isCreated, isDeleted } = fileFacts(record as DetailRecord)
    if (path === '') return []
    const nametype = isCreated ? 'CREATE' : isDeleted ? 'DELETE' : 'NORMAL'
    return [['PATH', NONE, nametype, NONE, NONE, NONE, NONE, NONE, NONE, path]]
  },
}

/** The audit records of one start: each is an event of its own, as in the log. */
function processAudits({ exe, cmd, uid, pid, ppid }: ProcessRecord): readonly View[] {
  const comm = exe.slice(exe.lastIndexOf('/') + 1).slice(0, MAX_COMM_CHARACTERS)
  const ids = [uid, pid ? String(pid) : NONE, ppid ? String(ppid) : NONE]
  // Agents join arguments with blanks, so blanks are all that tells them apart again.
  const words = cmd.trim().split(/\s+/, MAX_ARGUMENTS)
  return [
    ['EXECVE', NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, ...words],
    ['SYSCALL', 'execve', NONE, exe, comm, ...ids],
    ['PROCTITLE', NONE, NONE, NONE, NONE, NONE, NONE, NONE, cmd],
  ]
}

/** The log sources whose events we have. */
export const EVENT_CLASSES: readonly EventClass[] = [
  processCreation,
  fileClass(
    'file_event',
    'created, changed and moved files',
    ({ isCreated, isModified, isMoved }) => isCreated || isModified || isMoved,
  ),
  fileClass('file_change', 'changed files', ({ isModified }) => isModified),
  fileClass('file_delete', 'deleted files', ({ isDeleted }) => isDeleted),
  fileClass('file_rename', 'moved files', ({ isMoved }) => isMoved),
  networkConnection,
  dnsQuery,
  auditd,
]

/** Products whose rules are not for Linux. */
const OTHER_PRODUCTS = ['windows', 'macos', 'azure', 'aws', 'gcp', 'm365', 'okta', 'github']

/** The class of a log source, or why there is none. */
export function classOf({
  category,
  product,
  service,
}: Logsource):
  | { readonly eventClass: EventClass }
  | { readonly notApplicable: string }
  | { readonly missing: string } {
  if (OTHER_PRODUCTS.includes(product)) {
    return { notApplicable: `it is a rule for ${product}` }
  }
  if (product !== '' && product !== 'linux') {
    return { missing: `there are no events of the product ${product.slice(0, 40)}` }
  }
  if (category === '' && service === 'auditd') return { eventClass: auditd }
  if (service !== '' && service !== 'sysmon') {
    return { missing: `there are no log lines of the service ${service.slice(0, 40)}` }
  }
  const found = EVENT_CLASSES.find(({ name }) => name === category && name !== auditd.name)
  if (found) return { eventClass: found }
  if (category === '')
    return { missing: 'it asks for log lines of any kind, which agents do not send' }
  return { missing: `there are no events of the category ${category.slice(0, 40)}` }
}
