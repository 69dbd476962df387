import type { DeviceRef, Era, JsonObject } from '@twinward/protocol'
import type { HubEvent } from '../activity/hub-activity.ts'

/** Header of one security event, normalised; all times are ms since the epoch. */
export interface EventHeader {
  readonly ref: DeviceRef
  /** By the shape of its message: `legacy` (1.0), `micro` (2.0, or binary of Linux), `rtos` (binary). */
  readonly era: Era
  readonly agentVersion: string
  readonly agentId: string
  /** `Id` of the wire. */
  readonly eventId: string
  /** `Name` of the wire: `ProcessCreate`, `ListeningPorts`, … */
  readonly name: string
  /** `Periodic`, `Triggered` or `Aggregated`. */
  readonly category: string
  /** `Security`, `Operational` or `Diagnostic`. */
  readonly eventType: string
  readonly isEmpty: boolean
  /** `TimestampUTC`, clamped to [receive − 30 d, receive + 10 min]. */
  readonly timeMs: number
  readonly timestampLocal: string
  /** `TimestampUTC` as sent, when `timeMs` was clamped. */
  readonly timestampSent?: string
  readonly receivedMs: number
  /** Place of the message in the platform's stream. */
  readonly sequence: number
  /** Names of the tolerated deviations from the published schema, for diagnosis. */
  readonly deviations: readonly string[]
}

/** One accepted event: its header and its payload elements as they were sent. */
export interface SecurityEvent {
  readonly header: EventHeader
  readonly payload: readonly JsonObject[]
  /** JSON text of each payload element, where somebody has made it already. */
  details?: readonly string[]
}

/** JSON text of each payload element; made once, since two ends of the pipeline want it. */
export function detailsOf(event: SecurityEvent): readonly string[] {
  event.details ??= event.payload.map((element) => JSON.stringify(element))
  return event.details
}

/** What was refused: a whole message, or one event of it. */
export interface Rejection {
  readonly ref: DeviceRef
  readonly sequence: number
  readonly receivedMs: number
  /** For a person: what is wrong and where (`Events[3].Payload[0].RemotePort …`). */
  readonly reason: string
  /** The first 4 KiB of what was refused, as text. */
  readonly excerpt: string
}

interface Base {
  readonly header: EventHeader
  /** How often it happened; 1 unless the agent aggregated. */
  readonly hits: number
  /** When the agent began and ended counting `hits`; absent when it does not say. */
  readonly windowStartMs?: number
  readonly windowEndMs?: number
}

export interface ProcessRecord extends Base {
  readonly kind: 'proc'
  readonly type: 'exec' | 'fork' | 'exit'
  readonly exe: string
  readonly cmd: string
  readonly pid: number
  readonly ppid: number
  readonly uid: string
  readonly user: string
  readonly hash?: string
  readonly exitStatus?: number
}

export interface ConnectionRecord extends Base {
  readonly kind: 'conn'
  readonly direction: 'in' | 'out' | 'unknown'
  readonly protocol: string
  readonly localAddress: string
  readonly localPort: string
  readonly remoteAddress: string
  readonly remotePort: string
  readonly exe: string
  readonly cmd: string
  readonly uid: string
  /** Payload bytes; absent when the agent does not count them. */
  readonly bytesIn?: number
  readonly bytesOut?: number
  /** Name of the other side, where the agent knows it. */
  readonly host?: string
}

export interface DnsRecord extends Base {
  readonly kind: 'dns'
  readonly name: string
}

export interface LoginRecord extends Base {
  readonly kind: 'login'
  readonly result: 'success' | 'fail' | 'logout'
  readonly user: string
  readonly uid: string
  /** Empty when local. */
  readonly remoteAddress: string
  readonly operation: string
  readonly exe: string
  /** `tty1`, `pts/0`; absent when the agent does not say. */
  readonly terminal?: string
}

export interface ListeningPort {
  /** Lower case, without an address family: `tcp`, `udp`. */
  readonly protocol: string
  readonly address: string
  readonly port: string
  readonly pid?: string
}

/** The listening sockets of a device; replaces the previous list. */
export interface PortsRecord extends Base {
  readonly kind: 'ports'
  readonly ports: readonly ListeningPort[]
}

export interface FirewallRule {
  readonly chain: string
  readonly direction: 'in' | 'out' | ''
  readonly priority: number
  readonly action: 'allow' | 'deny' | 'other'
  readonly enabled: boolean
  readonly sourceAddress: string
  readonly sourcePort: string
  readonly destinationAddress: string
  readonly destinationPort: string
  readonly protocol: string
  /** The chain's default: its last entry, without addresses and ports. */
  readonly isPolicy: boolean
}

export interface FirewallRecord extends Base {
  readonly kind: 'fw'
  readonly rules: readonly FirewallRule[]
}

export interface LocalUser {
  readonly uid: string
  readonly name: string
  readonly groups: readonly string[]
}

/** The local users of a device; replaces the previous list. */
export interface UsersRecord extends Base {
  readonly kind: 'users'
  readonly users: readonly LocalUser[]
}

/** One hardening check, in the words of every era's scanner made one (security 06 §6). */
export interface BaselineCheck {
  /** Empty where the agent has only one: the legacy agents, and the RTOS. */
  readonly benchmark: string
  /** CceId or number; `desc:` and a hash of the description for a check without either. */
  readonly id: string
  readonly group: string
  readonly result: 'pass' | 'fail' | 'error' | 'skip'
  readonly severity: 'critical' | 'important' | 'warning' | 'informational'
  /** Texts, at most `MAX_CHECK_CHARACTERS` each. */
  readonly error: string
  readonly description: string
  readonly remediation: string
}

/** A run of a baseline; replaces the previous one of its benchmark. */
export interface BaselineRecord extends Base {
  readonly kind: 'baseline'
  readonly checks: readonly BaselineCheck[]
}

/** Snapshots that are kept as the agent sent them; each replaces the previous one. */
export interface SnapshotRecord extends Base {
  readonly kind: 'sysinfo' | 'sbom' | 'hw'
  readonly payload: readonly JsonObject[]
}

/** Events that are kept as the agent sent them: one record for each. */
export interface DetailRecord extends Base {
  readonly kind: 'periph' | 'file'
  readonly detail: JsonObject
}

/** An event of a name without meaning for this version: stored, counted, kept as it was sent. */
export interface OtherRecord extends Base {
  readonly kind: 'other'
  readonly payload: readonly JsonObject[]
}

/** The agent about itself. */
export interface AgentRecord extends Base {
  readonly kind: 'agent'
  readonly type: 'heartbeat' | 'configError' | 'dropped' | 'messageStatistics' | 'log'
  readonly payload: readonly JsonObject[]
}

/** What the hub wrote down about itself or noticed of a device; no agent sent it. */
export interface HubRecord extends Base {
  readonly kind: 'hub'
  readonly event: HubEvent
}

/** A normalised fact, whatever the era of its agent (security 03 §8). Rules read only these. */
export type SecurityRecord =
  | ProcessRecord
  | ConnectionRecord
  | DnsRecord
  | LoginRecord
  | PortsRecord
  | UsersRecord
  | FirewallRecord
  | BaselineRecord
  | SnapshotRecord
  | DetailRecord
  | AgentRecord
  | OtherRecord
  | HubRecord
