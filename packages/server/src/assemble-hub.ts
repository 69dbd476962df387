import {
  Authenticator,
  Authorities,
  Bulk,
  type CertificateStore,
  Certificates,
  CloudMessages,
  type Companions,
  createProvisioning,
  type DesiredReview,
  type EnrollmentStore,
  type EventLog,
  type Exchange,
  Feedback,
  HostNames,
  type Hub,
  Identities,
  InProcessBus,
  type Log,
  type MessageQueue,
  Methods,
  type ModuleKeyRules,
  ModuleKeys,
  Queries,
  type Registry,
  type RegistryJobStore,
  RegistryJobs,
  RegistryTransfer,
  Sessions,
  type SharedAccessPolicy,
  systemClock,
  Telemetry,
  Twins,
} from '@twinward/hub'

/** Who and what the hub is built from. */
export interface HubParts {
  readonly registry: Registry
  readonly certificates: CertificateStore
  readonly registryJobs: RegistryJobStore
  readonly enrollments: EnrollmentStore
  /** Of the provisioning service. */
  readonly idScope: string
  readonly exchange: Exchange
  readonly eventLog: EventLog
  readonly messageQueue: MessageQueue
  readonly policies: readonly SharedAccessPolicy[]
  readonly hostNames: readonly [string, ...string[]]
  readonly companions: Companions
  readonly moduleKeys: ModuleKeyRules
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
  const identities = new Identities({ registry, bus, clock }, hostNames, parts.companions)
  const twins = new Twins({ registry, bus, clock }, parts.reviewDesired)
  const bulk = new Bulk(identities, twins, parts.reviewDesired)
  const jobPorts = { store: parts.registryJobs, exchange: parts.exchange, clock, log }
  return {
    hostNames,
    authenticator,
    certificates: new Certificates({ certificates, bus, clock }),
    identities,
    moduleKeys: new ModuleKeys({ identities, authenticator, clock, log }, parts.moduleKeys),
    bulk,
    registryTransfer: new RegistryTransfer(identities, bulk),
    registryJobs: new RegistryJobs(jobPorts, { identities, bulk }),
    twins,
    queries: new Queries(registry),
    telemetry: new Telemetry(parts.eventLog, bus, clock, log),
    cloudMessages: new CloudMessages(
      { registry, messageQueue, bus, clock },
      log,
      parts.cloudMessageTtlMs,
    ),
    feedback: new Feedback({ messageQueue, clock }, log),
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
