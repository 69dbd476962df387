import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import {
  type DeviceMessage,
  type DeviceRef,
  formatConnectionString,
  formatSas,
  refKey,
  sasResource,
} from '@twinward/protocol'
import { createActivity } from '../src/activity/activity.ts'
import { MemoryAudit } from '../src/adapters/memory/audit.ts'
import { InProcessBus } from '../src/adapters/memory/bus.ts'
import { MemoryCertificates } from '../src/adapters/memory/certificates.ts'
import { MemoryConfigurationStore } from '../src/adapters/memory/configurations.ts'
import { MemoryConsumerGroups } from '../src/adapters/memory/consumer-groups.ts'
import { MemoryEnrollmentTokens } from '../src/adapters/memory/enrollment-tokens.ts'
import { MemoryEnrollments } from '../src/adapters/memory/enrollments.ts'
import { MemoryEventLog } from '../src/adapters/memory/event-log.ts'
import { MemoryIpFilter } from '../src/adapters/memory/ip-filter.ts'
import { MemoryJobs } from '../src/adapters/memory/jobs.ts'
import { MemoryMessageQueue } from '../src/adapters/memory/message-queue.ts'
import { MemoryRegistry } from '../src/adapters/memory/registry.ts'
import { MemoryRegistryJobStore } from '../src/adapters/memory/registry-jobs.ts'
import { MemoryRollouts } from '../src/adapters/memory/rollouts.ts'
import { MemoryRoutingStore } from '../src/adapters/memory/routing.ts'
import { type Clock, systemClock } from '../src/clock.ts'
import { createConfigurations } from '../src/configurations/create-configurations.ts'
import { MqttGateway, type MqttGatewayOptions } from '../src/gateways/mqtt/server.ts'
import { CLIENT_CERTIFICATES } from '../src/gateways/tls-certificate.ts'
import type { Hub } from '../src/hub.ts'
import { JobRecords } from '../src/jobs/job-records.ts'
import { Jobs } from '../src/jobs/jobs.ts'
import { type Log, silentLog } from '../src/log.ts'
import { CloudMessages } from '../src/messages/cloud-messages.ts'
import { ConsumerGroups } from '../src/messages/consumer-groups.ts'
import type { EventLog } from '../src/messages/event-log.ts'
import { EventReaders } from '../src/messages/event-readers.ts'
import { Feedback } from '../src/messages/feedback.ts'
import type { MessageQueue } from '../src/messages/message-queue.ts'
import { TELEMETRY_PARTITIONS } from '../src/messages/partition.ts'
import { Retention, type RetentionOptions } from '../src/messages/retention.ts'
import { Telemetry, type TelemetryOptions } from '../src/messages/telemetry.ts'
import { Methods } from '../src/methods/methods.ts'
import { IpFilter } from '../src/network/ip-filter.ts'
import { ObservedAddresses } from '../src/network/observed-addresses.ts'
import { createProvisioning } from '../src/provisioning/provisioning.ts'
import { AnnouncedModels } from '../src/registry/announced-models.ts'
import { makeKey } from '../src/registry/authentication.ts'
import { Authenticator } from '../src/registry/authenticator.ts'
import { Authorities } from '../src/registry/authorities.ts'
import { Bulk } from '../src/registry/bulk.ts'
import { Certificates } from '../src/registry/certificates.ts'
import {
  createSecurityModules,
  type SecurityModuleOptions,
} from '../src/registry/create-security-modules.ts'
import type { EnrollmentTokenStore } from '../src/registry/enrollment-token-store.ts'
import type { Exchange } from '../src/registry/exchange.ts'
import { HostNames } from '../src/registry/host-names.ts'
import { Identities } from '../src/registry/identities.ts'
import { DEFAULT_POLICIES, type SharedAccessPolicy } from '../src/registry/policies.ts'
import type { Registry } from '../src/registry/registry.ts'
import { RegistryJobs } from '../src/registry/registry-jobs.ts'
import { RegistryTransfer } from '../src/registry/registry-transfer.ts'
import { Rollouts } from '../src/rollouts/rollouts.ts'
import { createRouting } from '../src/routing/create-routing.ts'
import { Sessions } from '../src/sessions/sessions.ts'
import { Queries } from '../src/twins/query/queries.ts'
import { Twins } from '../src/twins/twins.ts'
import { makeCertificate, type TestCertificate } from './certificate.ts'

const READ_LIMIT = 10_000

export interface TestHubOptions extends RetentionOptions, TelemetryOptions {
  /** Default: `localhost`. */
  readonly hostNames?: readonly [string, ...string[]]
  readonly clock?: Clock
  readonly log?: Log
  readonly registry?: Registry
  readonly eventLog?: EventLog
  readonly messageQueue?: MessageQueue
  /** Default: none, every job is refused. */
  readonly exchange?: Exchange
  readonly enrollmentTokens?: EnrollmentTokenStore
  /** Default: `restricted`, as a server's. */
  readonly securityModuleAccess?: SecurityModuleOptions['access']
}

/** The services on memory, as a gateway gets them, and what a test asks about them. */
export interface TestHub extends Hub {
  readonly registry: Registry
  readonly policies: readonly SharedAccessPolicy[]
  /** All telemetry (or security messages) so far. */
  messages(stream?: 'telemetry' | 'security'): Promise<readonly DeviceMessage[]>
  /** The device or module, created when there is none. */
  keyOf(ref: DeviceRef): Promise<string>
}

export function makeHub(options: TestHubOptions = {}): TestHub {
  const { clock = systemClock, log = silentLog } = options
  const { registry = new MemoryRegistry(), eventLog = new MemoryEventLog() } = options
  const { messageQueue = new MemoryMessageQueue() } = options
  const certificates = new MemoryCertificates()
  const bus = new InProcessBus(log)
  const hostNames = new HostNames(options.hostNames ?? ['localhost'])
  const policies = DEFAULT_POLICIES.map((policy) => ({
    ...policy,
    primaryKey: makeKey(),
    secondaryKey: makeKey(),
  }))
  const sessions = new Sessions(bus)
  const activity = createActivity({
    ...{ store: new MemoryAudit(), registry, sessions, bus, clock, log },
  })
  const store = new MemoryRoutingStore()
  const eventPorts = { store, eventLog, registry, sessions, hostNames, bus, clock, log }
  const { routing, events, connectionEvents } = createRouting(eventPorts)
  const models = new AnnouncedModels(bus)
  const identities = new Identities({ registry, bus, clock, events, models }, hostNames, () => [])
  const authorities = new Authorities(certificates)
  const authenticator = new Authenticator({ registry, authorities, clock }, policies, hostNames)
  const twins = new Twins({ registry, bus, clock, events })
  const bulk = new Bulk(identities, twins)
  const jobStore = new MemoryJobs()
  const queries = new Queries(registry, new JobRecords(jobStore))
  const { counters } = activity
  const methods = new Methods({ registry, bus, clock, counters }, sessions)
  const { exchange = { open: () => Promise.reject(new Error('no exchange')) } } = options
  const jobPorts = { store: new MemoryRegistryJobStore(), exchange, clock, log }
  const { enrollmentTokens: tokens = new MemoryEnrollmentTokens() } = options
  const { configurations, edgeContent } = createConfigurations({
    store: new MemoryConfigurationStore(),
    ...{ registry, identities, twins, bus, clock, log, events },
    mayApply: (configuration, ref) => rollouts.mayApply(configuration, ref),
  })
  const rollouts: Rollouts = new Rollouts({
    ...{ store: new MemoryRollouts(), registry, configurations, clock, log },
  })
  return {
    clock,
    log,
    bus,
    hostNames,
    identities,
    registry,
    authenticator,
    certificates: new Certificates({ certificates, bus, clock }),
    ...createSecurityModules(
      {
        ...{ registry, tokens, identities, sessions, authenticator, hostNames, bus, clock, log },
        counters,
      },
      {
        deviceReadsKey: true,
        access: options.securityModuleAccess ?? 'restricted',
        securityModuleId: 'azureiotsecurity',
        seedOf: () => ({ tags: {}, desired: {} }),
      },
    ),
    policies,
    twins,
    ...{ configurations, edgeContent, rollouts },
    ipFilter: new IpFilter(new MemoryIpFilter()),
    observedAddresses: new ObservedAddresses({ store: new MemoryIpFilter(), bus, clock, log }),
    queries,
    methods,
    jobs: new Jobs({ store: jobStore, queries, twins, methods, clock, log }),
    bulk,
    registryTransfer: new RegistryTransfer(identities, bulk),
    registryJobs: new RegistryJobs(jobPorts, { identities, bulk, configurations }),
    telemetry: new Telemetry(
      { eventLog, registry, bus, clock, models },
      { router: routing.router, connections: connectionEvents },
      options,
    ),
    retention: new Retention({ eventLog, clock, log }, options),
    routing,
    connectionEvents,
    events: new EventReaders(
      { eventLog, groups: new ConsumerGroups(new MemoryConsumerGroups(), clock), bus, clock },
      log,
    ),
    cloudMessages: new CloudMessages(
      { registry, messageQueue, bus, clock, receipts: connectionEvents, counters },
      log,
    ),
    feedback: new Feedback({ messageQueue, bus, clock }, log),
    sessions,
    activity,
    provisioning: createProvisioning('0ne00000001', {
      enrollments: new MemoryEnrollments(),
      ...{ certificates, authorities, clock, log, identities, hostNames },
    }),
    messages: (stream = 'telemetry') => readAll(eventLog, stream),
    keyOf: (ref) => keyOf(registry, identities, ref),
  }
}

async function readAll(
  eventLog: EventLog,
  stream: 'telemetry' | 'security',
): Promise<readonly DeviceMessage[]> {
  const messages: DeviceMessage[] = []
  for (let partition = 0; partition < TELEMETRY_PARTITIONS; partition++) {
    const records = await eventLog.read(stream, partition, 0, READ_LIMIT)
    messages.push(...records.map(({ message }) => message))
  }
  return messages
}

async function keyOf(registry: Registry, identities: Identities, ref: DeviceRef): Promise<string> {
  const { deviceId, moduleId } = ref
  if (!(await registry.find({ deviceId }))) await identities.createDevice(deviceId, {})
  if (moduleId !== undefined && !(await registry.find(ref))) {
    await identities.createModule({ deviceId, moduleId }, {})
  }
  const entry = await registry.find(ref)
  if (entry?.identity.authentication.type !== 'sas') throw new Error(`${refKey(ref)} has no key`)
  return entry.identity.authentication.primaryKey
}

/** A hub whose MQTT gateway listens with TLS on a port of its own. */
export interface MqttTestHub extends TestHub, AsyncDisposable {
  readonly gateway: MqttGateway
  readonly port: number
  readonly ca: string
  /** `HostName=localhost:PORT;DeviceId=…`; creates the identity when there is none. */
  connectionString(ref: DeviceRef): Promise<string>
}

let certificate: Promise<TestCertificate> | undefined

export async function startMqttHub(
  options: TestHubOptions & MqttGatewayOptions = {},
): Promise<MqttTestHub> {
  const hub = makeHub(options)
  const gateway = new MqttGateway(hub, options)
  certificate ??= makeCertificate()
  const { cert, key, ca } = await certificate
  const server = createServer({ cert, key, ...CLIENT_CERTIFICATES })
  gateway.listen(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const hostName = `localhost:${port}`
  return {
    ...hub,
    gateway,
    port,
    ca,
    async connectionString(ref) {
      const sharedAccessKey = await hub.keyOf(ref)
      return formatConnectionString({ hostName, ...ref, sharedAccessKey })
    },
    async [Symbol.asyncDispose]() {
      await gateway.close()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A token for `ref`, or for `resource` in its place. */
export function makeToken(
  key: string,
  ref: DeviceRef,
  { expiresAtMs = Date.now() + 3600_000, resource = sasResource('localhost', ref) } = {},
): string {
  return formatSas(resource, Math.floor(expiresAtMs / 1000), (text) =>
    createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64'),
  )
}

export const DEADLINE_MS = 5000
const POLL_MS = 5

/** Waits until something is so; fails after `DEADLINE_MS`. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what = 'what was waited for',
): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS
  while (!(await isSo())) {
    if (Date.now() > deadlineMs) throw new Error(`${what} did not happen in ${DEADLINE_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
