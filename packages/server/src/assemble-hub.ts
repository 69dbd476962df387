import {
  AnnouncedModels,
  Authenticator,
  Authorities,
  Bulk,
  type CertificateStore,
  Certificates,
  CloudMessages,
  type Companions,
  type ConsumerGroupStore,
  ConsumerGroups,
  createProvisioning,
  createRouting,
  createSecurityModules,
  type DesiredReview,
  type EnrollmentStore,
  type EnrollmentTokenStore,
  type EventLog,
  EventReaders,
  type Exchange,
  Feedback,
  HostNames,
  type Hub,
  Identities,
  InProcessBus,
  type Log,
  type MessageQueue,
  Methods,
  Queries,
  type Registry,
  type RegistryJobStore,
  RegistryJobs,
  RegistryTransfer,
  Retention,
  type RetentionOptions,
  type RoutingStore,
  type SecurityModuleOptions,
  Sessions,
  type SharedAccessPolicy,
  systemClock,
  Telemetry,
  type TelemetryOptions,
  Twins,
} from '@twinward/hub'

/** Who and what the hub is built from. */
export interface HubParts {
  readonly registry: Registry
  readonly certificates: CertificateStore
  readonly registryJobs: RegistryJobStore
  readonly enrollments: EnrollmentStore
  readonly enrollmentTokens: EnrollmentTokenStore
  /** Of the provisioning service. */
  readonly idScope: string
  readonly exchange: Exchange
  readonly eventLog: EventLog
  readonly routing: RoutingStore
  readonly retention?: RetentionOptions
  readonly telemetry?: TelemetryOptions
  readonly consumerGroups: ConsumerGroupStore
  readonly messageQueue: MessageQueue
  readonly policies: readonly SharedAccessPolicy[]
  readonly hostNames: readonly [string, ...string[]]
  readonly companions: Companions
  readonly securityModules: SecurityModuleOptions
  readonly reviewDesired: DesiredReview
  /** How long a cloud-to-device message waits at most. */
  readonly cloudMessageTtlMs: number
  readonly log: Log
}

/** The hub's services on their ports. */
export function assembleHub(parts: HubParts): Hub {
  const { registry, certificates, messageQueue, log } = parts
  const clock = systemClock
  const bus = new InProcessBus(log)
  const hostNames = new HostNames(parts.hostNames)
  const sessions = new Sessions(bus)
  const authorities = new Authorities(certificates)
  const ports = { registry, authorities, clock }
  const authenticator = new Authenticator(ports, parts.policies, hostNames)
  const { routing, events, connectionEvents } = createRouting({
    ...{ store: parts.routing, eventLog: parts.eventLog },
    ...{ registry, sessions, hostNames, bus, clock, log },
  })
  const changePorts = { registry, bus, clock, events }
  const models = new AnnouncedModels(bus)
  const identities = new Identities({ ...changePorts, models }, hostNames, parts.companions)
  const twins = new Twins(changePorts, parts.reviewDesired)
  const bulk = new Bulk(identities, twins, parts.reviewDesired)
  const jobPorts = { store: parts.registryJobs, exchange: parts.exchange, clock, log }
  return {
    hostNames,
    authenticator,
    certificates: new Certificates({ certificates, bus, clock }),
    identities,
    ...createSecurityModules(
      {
        tokens: parts.enrollmentTokens,
        ...{ registry, identities, sessions, authenticator, hostNames, bus, clock, log },
      },
      parts.securityModules,
    ),
    bulk,
    registryTransfer: new RegistryTransfer(identities, bulk),
    registryJobs: new RegistryJobs(jobPorts, { identities, bulk }),
    twins,
    queries: new Queries(registry),
    telemetry: new Telemetry(
      { eventLog: parts.eventLog, registry, bus, clock, models },
      { router: routing.router, connections: connectionEvents },
      parts.telemetry,
    ),
    retention: new Retention({ eventLog: parts.eventLog, clock, log }, parts.retention),
    routing,
    connectionEvents,
    events: new EventReaders(
      {
        eventLog: parts.eventLog,
        groups: new ConsumerGroups(parts.consumerGroups, clock),
        ...{ bus, clock },
      },
      log,
    ),
    cloudMessages: new CloudMessages(
      { registry, messageQueue, bus, clock, receipts: connectionEvents },
      log,
      parts.cloudMessageTtlMs,
    ),
    feedback: new Feedback({ messageQueue, bus, clock }, log),
    methods: new Methods({ registry, bus, clock }, sessions),
    sessions,
    provisioning: createProvisioning(parts.idScope, {
      enrollments: parts.enrollments,
      ...{ certificates, authorities, clock, log, identities, hostNames },
    }),
    bus,
    clock,
    log,
  }
}
