import {
  Authenticator,
  CloudMessages,
  type Companions,
  type DesiredReview,
  type EventLog,
  HostNames,
  type Hub,
  Identities,
  InProcessBus,
  type Log,
  Methods,
  type Registry,
  Sessions,
  type SharedAccessPolicy,
  systemClock,
  Telemetry,
  Twins,
} from '@twinward/hub'

/** Who and what the hub is built from. */
export interface HubParts {
  readonly registry: Registry
  readonly eventLog: EventLog
  readonly policies: readonly SharedAccessPolicy[]
  readonly hostNames: readonly [string, ...string[]]
  readonly companions: Companions
  readonly reviewDesired: DesiredReview
  readonly log: Log
}

/** The hub's services on their ports. */
export function assembleHub(parts: HubParts): Hub {
  const { registry, log } = parts
  const clock = systemClock
  const bus = new InProcessBus(log)
  const hostNames = new HostNames(parts.hostNames)
  const sessions = new Sessions(bus)
  return {
    hostNames,
    authenticator: new Authenticator(registry, parts.policies, hostNames, clock),
    identities: new Identities({ registry, bus, clock }, hostNames, parts.companions),
    twins: new Twins({ registry, bus, clock }, parts.reviewDesired),
    telemetry: new Telemetry(parts.eventLog, bus, clock, log),
    cloudMessages: new CloudMessages(),
    methods: new Methods({ registry, bus, clock }, sessions),
    sessions,
    bus,
    clock,
    log,
  }
}
