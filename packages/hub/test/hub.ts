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
import { InProcessBus } from '../src/adapters/memory/bus.ts'
import { MemoryEventLog } from '../src/adapters/memory/event-log.ts'
import { MemoryRegistry } from '../src/adapters/memory/registry.ts'
import { type Clock, systemClock } from '../src/clock.ts'
import { MqttGateway, type MqttGatewayOptions } from '../src/gateways/mqtt/server.ts'
import type { Hub } from '../src/hub.ts'
import { type Log, silentLog } from '../src/log.ts'
import { CloudMessages } from '../src/messages/cloud-messages.ts'
import type { EventLog } from '../src/messages/event-log.ts'
import { TELEMETRY_PARTITIONS, Telemetry } from '../src/messages/telemetry.ts'
import { Methods } from '../src/methods/methods.ts'
import { makeKey } from '../src/registry/authentication.ts'
import { Authenticator } from '../src/registry/authenticator.ts'
import { HostNames } from '../src/registry/host-names.ts'
import { Identities } from '../src/registry/identities.ts'
import { DEFAULT_POLICIES } from '../src/registry/policies.ts'
import type { Registry } from '../src/registry/registry.ts'
import { Sessions } from '../src/sessions/sessions.ts'
import { Twins } from '../src/twins/twins.ts'
import { makeCertificate, type TestCertificate } from './certificate.ts'

const READ_LIMIT = 10_000

export interface TestHubOptions {
  readonly clock?: Clock
  readonly log?: Log
  readonly registry?: Registry
  readonly eventLog?: EventLog
}

/** The services on memory, as a gateway gets them, and what a test asks about them. */
export interface TestHub extends Hub {
  readonly registry: Registry
  /** All telemetry (or security messages) so far. */
  messages(stream?: 'telemetry' | 'security'): Promise<readonly DeviceMessage[]>
  /** The device or module, created when there is none. */
  keyOf(ref: DeviceRef): Promise<string>
}

export function makeHub(options: TestHubOptions = {}): TestHub {
  const { clock = systemClock, log = silentLog } = options
  const { registry = new MemoryRegistry(), eventLog = new MemoryEventLog() } = options
  const bus = new InProcessBus(log)
  const hostNames = new HostNames(['localhost'])
  const policies = DEFAULT_POLICIES.map((policy) => ({
    ...policy,
    primaryKey: makeKey(),
    secondaryKey: makeKey(),
  }))
  const sessions = new Sessions(bus)
  const identities = new Identities({ registry, bus, clock }, hostNames, () => [])
  return {
    clock,
    log,
    bus,
    hostNames,
    identities,
    registry,
    authenticator: new Authenticator(registry, policies, hostNames, clock),
    twins: new Twins({ registry, bus, clock }),
    telemetry: new Telemetry(eventLog, bus, clock, log),
    cloudMessages: new CloudMessages(),
    methods: new Methods({ registry, bus, clock }, sessions),
    sessions,
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
  const server = createServer({ cert, key })
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
