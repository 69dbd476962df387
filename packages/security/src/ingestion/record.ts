import type { DeviceRef, JsonObject } from '@twinward/protocol'

/** Header of one security event, normalised; all times are ms since the epoch. */
export interface EventHeader {
  readonly ref: DeviceRef
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
}

export interface LoginRecord extends Base {
  readonly kind: 'login'
  readonly result: 'success' | 'fail'
  readonly user: string
  readonly uid: string
  /** Empty when local. */
  readonly remoteAddress: string
  readonly operation: string
  readonly exe: string
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

/** Everything that no rule of this version reads: stored, counted, kept as it was sent. */
export interface OtherRecord extends Base {
  readonly kind: 'other'
  readonly payload: readonly JsonObject[]
}

/** The agent about itself. */
export interface AgentRecord extends Base {
  readonly kind: 'agent'
  readonly type: 'configError' | 'dropped' | 'messageStatistics' | 'log'
  readonly payload: readonly JsonObject[]
}

/** A normalised fact, whatever the era of its agent (security 03 §8). Rules read only these. */
export type SecurityRecord =
  | ProcessRecord
  | ConnectionRecord
  | LoginRecord
  | PortsRecord
  | FirewallRecord
  | AgentRecord
  | OtherRecord
