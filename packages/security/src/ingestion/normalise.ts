import type { JsonObject, JsonValue } from '@twinward/protocol'
import { isJsonObject } from '@twinward/protocol'
import { isWildcardAddress, portOf, protocolOf, textOf } from './fields.ts'
import { firewallRules } from './firewall.ts'
import type {
  AgentRecord,
  ConnectionRecord,
  EventHeader,
  ListeningPort,
  LoginRecord,
  ProcessRecord,
  SecurityEvent,
  SecurityRecord,
} from './record.ts'

/**
 * Turns an accepted event into the facts that rules read: one record per payload element for
 * processes, connections and logins; one for a whole snapshot, whose empty list says "there is none".
 * What no rule reads stays together in one `other` record.
 */
export function normalise({ header, payload }: SecurityEvent): readonly SecurityRecord[] {
  switch (header.name) {
    case 'ProcessCreate':
      return payload.map((element) => processCreated(header, element))
    case 'ProcessTerminate':
      return payload.map((element) => processEnded(header, element))
    case 'ConnectionCreate':
      return payload.map((element) => connection(header, element))
    case 'Login':
      // Schema 2.0 has a Login of another shape, which has no Result.
      if (!payload.every(({ Result }) => Result === 'Success' || Result === 'Fail')) break
      return payload.map((element) => login(header, element))
    case 'ListeningPorts': {
      const ports = header.isEmpty ? [] : payload.filter(isListening).map(listeningPort)
      return [{ kind: 'ports', header, hits: 1, ports }]
    }
    case 'FirewallConfiguration':
      return [{ kind: 'fw', header, hits: 1, rules: header.isEmpty ? [] : firewallRules(payload) }]
  }
  const type = agentRecordTypes.get(header.name)
  if (type !== undefined) return [{ kind: 'agent', header, hits: 1, type, payload }]
  return [{ kind: 'other', header, hits: 1, payload }]
}

const agentRecordTypes: ReadonlyMap<string, AgentRecord['type']> = new Map([
  ['ConfigurationError', 'configError'],
  ['DroppedEventsStatistics', 'dropped'],
  ['MessageStatistics', 'messageStatistics'],
  ['Diagnostic', 'log'],
])

function processCreated(header: EventHeader, element: JsonObject): ProcessRecord {
  const details = detailsOf(element)
  const hash = textOf(element.Hash) || textOf(details.Hash)
  return {
    kind: 'proc',
    header,
    hits: hitsOf(details),
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
  return {
    kind: 'proc',
    header,
    hits: hitsOf(detailsOf(element)),
    type: 'exit',
    exe: textOf(element.Executable),
    cmd: '',
    pid: numberOf(element.ProcessId),
    ppid: 0,
    uid: '',
    user: '',
  }
}

function connection(header: EventHeader, element: JsonObject): ConnectionRecord {
  return {
    kind: 'conn',
    header,
    hits: hitsOf(detailsOf(element)),
    direction: element.Direction === 'In' ? 'in' : element.Direction === 'Out' ? 'out' : 'unknown',
    protocol: protocolOf(element.Protocol),
    localAddress: textOf(element.LocalAddress),
    localPort: portOf(element.LocalPort),
    remoteAddress: textOf(element.RemoteAddress),
    remotePort: portOf(element.RemotePort),
    exe: textOf(element.Executable),
    cmd: textOf(element.CommandLine),
    uid: textOf(element.UserId),
  }
}

function login(header: EventHeader, element: JsonObject): LoginRecord {
  const address = textOf(element.RemoteAddress)
  const isLocal = isWildcardAddress(address) || address === '::1' || address.startsWith('127.')
  return {
    kind: 'login',
    header,
    hits: hitsOf(detailsOf(element)),
    result: element.Result === 'Success' ? 'success' : 'fail',
    user: textOf(element.UserName),
    uid: textOf(element.UserId),
    remoteAddress: isLocal ? '' : address,
    operation: textOf(element.Operation),
    exe: textOf(element.Executable),
  }
}

/** Agents on Linux send every socket that netstat shows, established ones too. */
function isListening(element: JsonObject): boolean {
  const port = portOf(element.RemotePort)
  return port === '' || port === '*' || isWildcardAddress(element.RemoteAddress)
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

/** `HitCount` is text from the C# agent and a number from the C agent. */
function hitsOf({ HitCount }: JsonObject): number {
  const hits = typeof HitCount === 'string' ? Number.parseInt(HitCount, 10) : HitCount
  return typeof hits === 'number' && Number.isSafeInteger(hits) && hits > 0 ? hits : 1
}

const NO_DETAILS: JsonObject = {}

function detailsOf({ ExtraDetails }: JsonObject): JsonObject {
  return isJsonObject(ExtraDetails) ? ExtraDetails : NO_DETAILS
}

function numberOf(value: JsonValue | undefined): number {
  return typeof value === 'number' ? value : 0
}
