/** What a benchmark tells its load program (one JSON line), and what it hears back (JSON lines). */

/**
 * How a server is spoken to: `iothub` IoT Hub's topics; `composite` the composite's own topics;
 * `mqtt` plain publishes, done at PUBACK; `echo` no MQTT at all, done when the bytes came back.
 */
export type Dialect = 'iothub' | 'composite' | 'mqtt' | 'echo'

export interface Target {
  readonly dialect: Dialect
  readonly host: string
  readonly port: number
  /** The name the server's certificate is checked against. */
  readonly serverName: string
  readonly caFile: string
}

export interface DeviceLogin {
  readonly deviceId: string
  readonly userName: string
  readonly password: string
}

/** What a device does over MQTT, again and again: patch its reported properties, or get its twin. */
export type Operation = 'patch' | 'get'

export interface RequestsPlan {
  readonly target: Target
  readonly devices: readonly DeviceLogin[]
  readonly operation: Operation
  /** Requests each device keeps in flight. */
  readonly inFlight: number
  /** What an `echo` server sends for one request; absent: the request itself. */
  readonly answerBytes?: number
}

export interface ReadsPlan {
  readonly target: Target
  readonly deviceIds: readonly string[]
  readonly http: {
    readonly port: number
    /** The whole value of the Authorization header. */
    readonly authorization: string
  }
}

export interface DesiredPlan {
  readonly target: Target
  readonly devices: readonly DeviceLogin[]
  readonly http: {
    readonly port: number
    /** The whole value of the Authorization header. */
    readonly authorization: string
  }
}

/** Where messages go in and come out again. */
export type EventWire =
  | {
      readonly kind: 'mqtt-hub' | 'amqp-hub'
      readonly target: Target
      readonly devices: readonly DeviceLogin[]
      readonly amqp: {
        readonly port: number
        readonly userName: string
        readonly password: string
        readonly entity: string
      }
    }
  | { readonly kind: 'rabbitmq'; readonly url: string; readonly queueType: 'classic' | 'quorum' }
  | { readonly kind: 'nats'; readonly url: string }

export interface EventsPlan {
  readonly wire: EventWire
  /** Connections that send. */
  readonly senders: number
  /** Messages each keeps under way, from its sending until it was confirmed and read. */
  readonly inFlight: number
  readonly bytes: number
}

/** Security modules that send events. */
export interface IngestPlan {
  readonly target: Target
  readonly devices: readonly DeviceLogin[]
  /** Messages each keeps in flight. */
  readonly inFlight: number
}

export interface IdlePlan {
  readonly target: Target
  readonly devices: readonly DeviceLogin[]
  /** Source addresses, used in turn, for more connections than one address has ports. */
  readonly sourceAddresses: readonly string[]
}

/** One timed stretch: `warmUpMs` unmeasured, `measureMs` measured. */
export interface Run {
  readonly warmUpMs: number
  readonly measureMs: number
  /** Only for `desired` and `reads`: how many service calls are in flight. */
  readonly inFlight?: number
  /** Only for `ingest`: ends after so many messages, however long they take. */
  readonly messages?: number
}

export interface Connected {
  readonly event: 'connected'
  /** TLS version, cipher, certificate, e.g. "TLSv1.3 TLS_AES_256_GCM_SHA384 prime256v1". */
  readonly tls: string
  readonly connectMs: number
}

export interface RunResult {
  readonly event: 'result'
  readonly perSecond: number
  /** Only of `ingest`: how many there were. */
  readonly count?: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Share of one core the load program itself spent, 0-1. */
  readonly loadCpu: number
  /** Only of `connects`: the share of the TLS sessions that were resumed, 0-1. */
  readonly resumedShare?: number
}

export type LoadEvent = Connected | RunResult | { readonly event: 'measuring' }

/** Devices or modules that wait for a desired property. */
export interface DesiredWavePlan {
  readonly target: Target
  readonly devices: readonly DeviceLogin[]
  /** Used in turn, for more connections than one address has ports. */
  readonly sourceAddresses: readonly string[]
}

/** `wave`: wait until each was told of a change; `get`: have each read its twin. */
export interface WaveOrder {
  readonly kind: 'wave' | 'get'
}

/** Times in ms since the epoch, on the clock of this machine. */
export interface WaveReport {
  readonly event: 'told'
  readonly halfAtMs: number
  readonly mostAtMs: number
  readonly allAtMs: number
  /** That came over each TLS connection, its records included. */
  readonly bytesEach: number
}
