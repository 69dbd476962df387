import {
  AnnouncedModels,
  type AuditStore,
  Authenticator,
  Authorities,
  auditedReview,
  Bulk,
  type CertificateStore,
  Certificates,
  CloudMessages,
  type Companions,
  type ConfigurationStore,
  type ConsumerGroupStore,
  ConsumerGroups,
  createActivity,
  createConfigurations,
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
  IpFilter,
  type IpFilterStore,
  JobRecords,
  type JobStore,
  Jobs,
  type Log,
  type MessageQueue,
  Methods,
  ObservedAddresses,
  Queries,
  type Registry,
  type RegistryJobStore,
  RegistryJobs,
  RegistryTransfer,
  Retention,
  type RetentionOptions,
  type RolloutStore,
  Rollouts,
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
  readonly jobs: JobStore
  readonly audit: AuditStore
  readonly enrollments: EnrollmentStore
  readonly enrollmentTokens: EnrollmentTokenStore
  /** Of the provisioning service. */
  readonly idScope: string
  readonly exchange: Exchange
  readonly eventLog: EventLog
  readonly routing: RoutingStore
  readonly retention?: RetentionOptions
  readonly telemetry?: TelemetryOptions
  readonly configurations: ConfigurationStore
  readonly rollouts: RolloutStore
  readonly ipFilter: IpFilterStore
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
  const activityPorts = { store: parts.audit, registry, sessions, bus, clock, log }
  const activity = createActivity(activityPorts)
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
  const review = auditedReview(parts.reviewDesired, activity.audit)
  const twins = new Twins(changePorts, review)
  const bulk = new Bulk(identities, twins, review)
  const queries = new Queries(registry, new JobRecords(parts.jobs))
  const { counters } = activity
  const methods = new Methods({ registry, bus, clock, counters }, sessions)
  const jobPorts = { store: parts.registryJobs, exchange: parts.exchange, clock, log }
  const { configurations, edgeContent } = createConfigurations({
    ...{ ...changePorts, store: parts.configurations, identities, twins, review, log },
    mayApply: (configuration, ref) => rollouts.mayApply(configuration, ref),
  })
  const rollouts: Rollouts = new Rollouts({
    ...{ store: parts.rollouts, registry, configurations, clock, log },
  })
  return {
    hostNames,
    authenticator,
    certificates: new Certificates({ certificates, bus, clock }),
    identities,
    ...createSecurityModules(
      {
        tokens: parts.enrollmentTokens,
        ...{ registry, identities, sessions, authenticator, hostNames, bus, clock, log, counters },
      },
      parts.securityModules,
    ),
    bulk,
    registryTransfer: new RegistryTransfer(identities, bulk),
    registryJobs: new RegistryJobs(jobPorts, { identities, bulk, configurations }),
    twins,
    ...{ configurations, edgeContent, rollouts },
    ipFilter: new IpFilter(parts.ipFilter, () => bus.publish({ kind: 'setup-changed' })),
    observedAddresses: new ObservedAddresses({ store: parts.ipFilter, bus, clock, log }),
    queries,
    methods,
    jobs: new Jobs({ store: parts.jobs, queries, twins, methods, clock, log }),
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
      { registry, messageQueue, bus, clock, receipts: connectionEvents, counters },
      log,
      parts.cloudMessageTtlMs,
    ),
    feedback: new Feedback({ messageQueue, bus, clock }, log),
    sessions,
    activity,
    provisioning: createProvisioning(parts.idScope, {
      enrollments: parts.enrollments,
      ...{ certificates, authorities, clock, log, identities, hostNames },
    }),
    bus,
    clock,
    log,
  }
}
