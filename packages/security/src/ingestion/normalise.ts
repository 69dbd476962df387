import { eventKinds, type JsonObject } from '@twinward/protocol'
import { legacyChecks, microChecks } from './baseline.ts'
import {
  bytesOf,
  detailsOf,
  hitsOf,
  isLocalAddress,
  isWildcardAddress,
  numberOf,
  portOf,
  protocolOf,
  textOf,
  windowOf,
} from './fields.ts'
import { firewallRules } from './firewall.ts'
import { dnsActivity, microLogin, microProcess, networkActivity } from './micro-records.ts'
import type {
  AgentRecord,
  ConnectionRecord,
  EventHeader,
  ListeningPort,
  LocalUser,
  LoginRecord,
  ProcessRecord,
  SecurityEvent,
  SecurityRecord,
} from './record.ts'

/**
 * Turns an accepted event into the facts that rules read: one record per payload element for
 * processes, connections, logins and their like; one for a whole snapshot, whose empty list says
 * "there is none". What has no meaning here stays together in one `other` record.
 */
export function normalise(event: SecurityEvent): readonly SecurityRecord[] {
  const { header, payload } = event
  const name = header.name
  const isLegacy = header.era === 'legacy'
  // A name that its schema does not have may say anything, even if the other schema has it.
  if (!eventKinds(isLegacy ? '1.0' : '2.0').has(name)) return [other(event)]
  const read = (isLegacy ? legacyReaders : microReaders).get(name)
  if (read !== undefined) return payload.map((element) => read(header, element))
  // An empty snapshot may still hold elements, which then mean nothing.
  const list = header.isEmpty ? [] : payload
  const snapshot = snapshotReaders.get(name)
  if (snapshot !== undefined) return [snapshot(header, list)]
  const type = agentRecordTypes.get(name)
  if (type !== undefined) return [{ kind: 'agent', header, hits: 1, type, payload }]
  return [other(event)]
}

function other({ header, payload }: SecurityEvent): SecurityRecord {
  return { kind: 'other', header, hits: 1, payload }
}

type ElementReader = (header: EventHeader, element: JsonObject) => SecurityRecord
type SnapshotReader = (header: EventHeader, payload: readonly JsonObject[]) => SecurityRecord

const legacyReaders: ReadonlyMap<string, ElementReader> = new Map<string, ElementReader>([
  ['ProcessCreate', processCreated],
  ['ProcessTerminate', processEnded],
  ['ConnectionCreate', connection],
  ['Login', login],
])

const microReaders: ReadonlyMap<string, ElementReader> = new Map<string, ElementReader>([
  ...legacyReaders,
  ['Process', microProcess],
  ['NetworkActivity', networkActivity],
  ['DnsActivity', dnsActivity],
  ['Login', microLogin],
  ['Peripheral', (header, detail) => ({ kind: 'periph', header, hits: 1, detail })],
  ['FileSystem', (header, detail) => ({ kind: 'file', header, hits: hitsOf(detail.hits), detail })],
])

const snapshotReaders: ReadonlyMap<string, SnapshotReader> = new Map<string, SnapshotReader>([
  [
    'ListeningPorts',
    (header, payload) => {
      const ports = payload.filter(isListening).map(listeningPort)
      return { kind: 'ports', header, hits: 1, ports }
    },
  ],
  [
    'LocalUsers',
    (header, payload) => ({ kind: 'users', header, hits: 1, users: payload.map(localUser) }),
  ],
  [
    'FirewallConfiguration',
    (header, payload) => ({ kind: 'fw', header, hits: 1, rules: firewallRules(payload) }),
  ],
  [
    'OSBaseline',
    (header, payload) => ({ kind: 'baseline', header, hits: 1, checks: legacyChecks(payload) }),
  ],
  [
    'Baseline',
    (header, payload) => ({ kind: 'baseline', header, hits: 1, checks: microChecks(payload) }),
  ],
  ['SystemInformation', (header, payload) => ({ kind: 'sysinfo', header, hits: 1, payload })],
  ['ConnectedHardware', (header, payload) => ({ kind: 'hw', header, hits: 1, payload })],
  ['Sbom', (header, payload) => ({ kind: 'sbom', header, hits: 1, payload })],
])

const agentRecordTypes: ReadonlyMap<string, AgentRecord['type']> = new Map([
  ['Heartbeat', 'heartbeat'],
  ['ConfigurationError', 'configError'],
  ['DroppedEventsStatistics', 'dropped'],
  ['Statistics', 'dropped'],
  ['MessageStatistics', 'messageStatistics'],
  ['Diagnostic', 'log'],
  ['Log', 'log'],
])

function processCreated(header: EventHeader, element: JsonObject): ProcessRecord {
  const details = detailsOf(element)
  const hash = textOf(element.Hash) || textOf(details.Hash)
  return {
    kind: 'proc',
    header,
    hits: hitsOf(details.HitCount),
    ...windowOf(details),
    type: 'exec',
    exe: textOf(element.Executable),
    cmd: textOf(element.CommandLine),
    pid: numberOf(element.ProcessId),
    ppid: numberOf(element.ParentProcessId),
    uid: textOf(element.UserId),
    user: textOf(element.UserName),
    ...(hash !== '' && { hash }),
  }
}

function processEnded(header: EventHeader, element: JsonObject): ProcessRecord {
  const details = detailsOf(element)
  return {
    kind: 'proc',
    header,
    hits: hitsOf(details.HitCount),
    ...windowOf(details),
    type: 'exit',
    exe: textOf(element.Executable),
    cmd: '',
    pid: numberOf(element.ProcessId),
    ppid: 0,
    uid: '',
    user: '',
    exitStatus: numberOf(element.ExitStatus),
  }
}

function connection(header: EventHeader, element: JsonObject): ConnectionRecord {
  const details = detailsOf(element)
  const bytesIn = bytesOf(element.BytesIn)
  const bytesOut = bytesOf(element.BytesOut)
  return {
    kind: 'conn',
    header,
    hits: hitsOf(details.HitCount),
    ...windowOf(details),
    direction: element.Direction === 'In' ? 'in' : element.Direction === 'Out' ? 'out' : 'unknown',
    protocol: protocolOf(element.Protocol),
    localAddress: textOf(element.LocalAddress),
    localPort: portOf(element.LocalPort),
    remoteAddress: textOf(element.RemoteAddress),
    remotePort: portOf(element.RemotePort),
    exe: textOf(element.Executable),
    cmd: textOf(element.CommandLine),
    uid: textOf(element.UserId),
    ...(bytesIn !== undefined && { bytesIn }),
    ...(bytesOut !== undefined && { bytesOut }),
  }
}

function login(header: EventHeader, element: JsonObject): LoginRecord {
  const address = textOf(element.RemoteAddress)
  const details = detailsOf(element)
  return {
    kind: 'login',
    header,
    hits: hitsOf(details.HitCount),
    ...windowOf(details),
    result: element.Result === 'Success' ? 'success' : 'fail',
    user: textOf(element.UserName),
    uid: textOf(element.UserId),
    remoteAddress: isLocalAddress(address) ? '' : address,
    operation: textOf(element.Operation),
    exe: textOf(element.Executable),
  }
}

/** Agents on Linux send every socket that netstat shows, established ones too. */
function isListening(element: JsonObject): boolean {
  const port = portOf(element.RemotePort)
  return port === '' || port === '*' || isWildcardAddress(element.RemoteAddress)
}

function localUser(element: JsonObject): LocalUser {
  const names = textOf(element.GroupNames)
  return {
    uid: textOf(element.UserId),
    name: textOf(element.UserName),
    groups: names === '' ? [] : names.split(';'),
  }
}

function listeningPort(element: JsonObject): ListeningPort {
  const pid = textOf(detailsOf(element).Pid)
  return {
    protocol: protocolOf(element.Protocol),
    address: textOf(element.LocalAddress),
    port: portOf(element.LocalPort),
    ...(pid !== '' && { pid }),
  }
}
