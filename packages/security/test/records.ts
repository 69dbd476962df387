import type { JsonObject } from '@twinward/protocol'
import type { RuleMemory } from '../src/detection/rule.ts'
import type {
  ConnectionRecord,
  EventHeader,
  FirewallRecord,
  FirewallRule,
  ListeningPort,
  PortsRecord,
  ProcessRecord,
} from '../src/ingestion/record.ts'

/** Records for the tests of rules: whole, with only what matters said. */

export function header(fields: Partial<EventHeader> = {}): EventHeader {
  return {
    ref: { deviceId: 'pump-1', moduleId: 'azureiotsecurity' },
    era: 'legacy',
    agentVersion: '0.0.6',
    agentId: 'a',
    eventId: 'e1',
    name: 'ProcessCreate',
    category: 'Triggered',
    eventType: 'Security',
    isEmpty: false,
    timeMs: 1_700_000_000_000,
    timestampLocal: '',
    receivedMs: 1_700_000_000_000,
    sequence: 1,
    deviations: [],
    ...fields,
  }
}

export function processRecord(
  fields: Partial<ProcessRecord>,
  of: Partial<EventHeader> = {},
): ProcessRecord {
  const started = { kind: 'proc', type: 'exec', exe: '', cmd: '', pid: 0, ppid: 0 } as const
  return { ...started, uid: '', user: '', hits: 1, header: header(of), ...fields }
}

export function connectionRecord(
  fields: Partial<ConnectionRecord>,
  of: Partial<EventHeader> = {},
): ConnectionRecord {
  const ends = { localAddress: '', localPort: '', remoteAddress: '', remotePort: '' }
  const program = { exe: '', cmd: '', uid: '' }
  const plain = { kind: 'conn', direction: 'out', protocol: 'tcp', hits: 1 } as const
  return { ...plain, ...ends, ...program, header: header(of), ...fields }
}

export function firewallRecord(
  rules: readonly Partial<FirewallRule>[],
  of: Partial<EventHeader> = {},
): FirewallRecord {
  const ends = { sourceAddress: '', sourcePort: '', destinationAddress: '', destinationPort: '' }
  const plain = { chain: '', direction: 'in', priority: 0, action: 'other' } as const
  const rest = { enabled: true, protocol: '', isPolicy: false }
  const whole = rules.map((rule) => ({ ...plain, ...ends, ...rest, ...rule }))
  return { kind: 'fw', hits: 1, header: header(of), rules: whole }
}

export function portsRecord(
  ports: readonly ListeningPort[],
  of: Partial<EventHeader> = {},
): PortsRecord {
  return { kind: 'ports', hits: 1, header: header(of), ports }
}

export function emptyMemory(): RuleMemory {
  const values = new Map<string, JsonObject>()
  return { get: (name) => values.get(name), set: (name, value) => void values.set(name, value) }
}
