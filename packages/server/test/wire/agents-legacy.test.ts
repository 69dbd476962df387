import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { EARLY_CONFIGURATION_KEY, LEGACY_CONFIGURATION_KEY } from '@twinward/protocol'
import { CODE } from '../../../hub/src/gateways/amqp/wire/performatives.ts'
import { AmqpTransport } from '../agents/amqp-transport.ts'
import { listeningPorts, MINER_COMMAND, processCreate } from '../agents/events.ts'
import { C_AGENT, CSHARP_AGENT, EARLY_AGENT, LegacyAgent } from '../agents/legacy-agent.ts'
import {
  alertsOf,
  createDevice,
  eventsOf,
  patchDesired,
  refusedOf,
  securityOf,
} from '../agents/lookup.ts'
import { MqttTransport } from '../agents/mqtt-transport.ts'
import { type AgentTarget, agentTarget } from '../agents/target.ts'
import { startTestServer, type TestServer, until } from '../server.ts'

// The agents of the legacy era, each as the real one behaves (security 02, 03, 07; 13), against a
// whole server.

const MODULE = 'azureiotsecurity'
const MAX_MESSAGE_BYTES = 262_144
let server: TestServer
let target: AgentTarget
before(async () => {
  server = await startTestServer()
  target = agentTarget(server)
})
after(() => server[Symbol.asyncDispose]())

async function credentialOf(deviceId: string) {
  const { moduleKey: key } = await createDevice(server, deviceId, MODULE)
  return { deviceId, moduleId: MODULE, key }
}

async function startC(deviceId: string): Promise<LegacyAgent & { transport: MqttTransport }> {
  const transport = await MqttTransport.open(target, await credentialOf(deviceId))
  const agent = new LegacyAgent(C_AGENT, transport)
  await agent.start()
  return Object.assign(agent, { transport })
}

const configure = (deviceId: string, settings: object) =>
  server.call('PATCH', `/api/devices/${deviceId}/security/config`, { body: { settings } })

test('C over MQTT: configured, reports its own way, sends; what the twin shows is free of drift', async () => {
  const agent = await startC('c-1')
  const view = await securityOf(server, 'c-1', ({ state }) => state === 'active')
  assert.equal(view.modules[0].era, 'legacy')
  assert.equal(view.modules[0].connectionState, 'Connected')
  assert.deepEqual(view.configuration.drift, [], 'low is Low, and a default of its own is no drift')

  await agent.send(
    ...agent.statistics(7),
    agent.event('ProcessCreate', [processCreate(MINER_COMMAND)]),
  )
  const [alert] = await alertsOf(server, 'c-1', 1)
  assert.equal(alert.alertType, 'IoT_CryptoMiner')
  const after = await securityOf(server, 'c-1', ({ agent: a }) => a.version === '0.0.5')
  assert.equal(after.agent.droppedEvents24h, 7)
  assert.equal(after.agent.kind, 'c')
  agent.transport.cut()
})

test('C over MQTT: a change of one setting reaches it as the complete object', async () => {
  const agent = await startC('c-2')
  assert.equal(agent.settings.maxLocalCacheSizeInBytes, 2_560_000, 'not its built-in default')
  assert.equal((await configure('c-2', { snapshotFrequency: 'P1D' })).status, 200)
  await until(() => agent.handled === 2)
  assert.equal(agent.settings.snapshotFrequency, 'P1D')
  assert.equal(agent.settings.maxLocalCacheSizeInBytes, 2_560_000, 'though it takes a patch as all')
  const view = await securityOf(server, 'c-2', ({ configuration: c }) => c.drift.length === 0)
  assert.equal(view.configuration.reported.snapshotFrequency, 'PT24H', 'as it spells a day')
  agent.transport.cut()
})

test('C over MQTT: a configuration that it refuses shows as an error, the old one stays', async () => {
  const agent = await startC('c-3')
  await patchDesired(server, 'c-3', MODULE, {
    [LEGACY_CONFIGURATION_KEY]: { snapshotFrequency: 'PT1H' },
  })
  await until(() => agent.handled === 2)
  assert.equal(agent.settings.snapshotFrequency, 'PT13H')
  await agent.flush()
  const view = await securityOf(server, 'c-3', ({ state }) => state === 'configError')
  assert.notEqual(view.configuration.drift.length, 0)
  const [event] = await eventsOf(server, 'c-3', 1)
  assert.equal(event.name, 'ConfigurationError')
  agent.transport.cut()
})

test('C over MQTT: a first snapshot of almost 256 KB is taken whole', async () => {
  const agent = await startC('c-4')
  const shape = { category: 'Periodic' } as const
  let ports = 1000
  let message = agent.message(agent.event('ListeningPorts', listeningPorts(ports), shape))
  while (message.body.length < MAX_MESSAGE_BYTES - 2000) {
    ports += 10
    message = agent.message(agent.event('ListeningPorts', listeningPorts(ports), shape))
  }
  assert.ok(message.body.length < MAX_MESSAGE_BYTES)
  await agent.transport.send(message)
  const page = await eventsOf(server, 'c-4', 1000)
  assert.equal(page.length, 1000, 'and more on the next page')
  assert.deepEqual(await refusedOf(server, 'c-4'), [])
  agent.transport.cut()
})

test('C over MQTT: PUBLISH before any SUBSCRIBE; sent again after a lost PUBACK it alerts once', async () => {
  const credential = await credentialOf('c-5')
  const first = await MqttTransport.open(target, credential)
  const before = new LegacyAgent(C_AGENT, first)
  const message = before.message(before.event('ProcessCreate', [processCreate(MINER_COMMAND)]))
  const packetId = first.publish(message)
  await first.acknowledged(packetId)
  // As far as the agent knows, the acknowledgement never came.
  first.cut()
  const second = await MqttTransport.open(target, credential)
  second.publish(message, packetId)
  await second.acknowledged(packetId)
  await new LegacyAgent(C_AGENT, second).start()
  await eventsOf(server, 'c-5', 1)
  assert.equal((await alertsOf(server, 'c-5', 1)).length, 1)
  second.cut()
})

test('C over MQTT: a newer connection takes over and goes on; the older one ends', async () => {
  const credential = await credentialOf('c-6')
  const older = await MqttTransport.open(target, credential)
  await new LegacyAgent(C_AGENT, older).start()
  const newer = await MqttTransport.open(target, credential)
  await older.closed()
  const agent = new LegacyAgent(C_AGENT, newer)
  await agent.start()
  await configure('c-6', { snapshotFrequency: 'PT2H' })
  await until(() => agent.handled === 2)
  assert.equal(agent.settings.snapshotFrequency, 'PT2H')
  newer.cut()
  await securityOf(server, 'c-6', ({ modules }) => modules[0].connectionState === 'Disconnected')
})

test('C over AMQP: MSSBCBS, a batch of format 0x80013700, UUIDs as ids', async () => {
  const transport = await AmqpTransport.open(target, await credentialOf('c-7'), 'c')
  const agent = new LegacyAgent(C_AGENT, transport)
  await agent.start()
  await transport.send(
    agent.message(agent.event('ProcessCreate', [processCreate(MINER_COMMAND)])),
    agent.message(...agent.statistics(2)),
  )
  assert.equal((await alertsOf(server, 'c-7', 1))[0].alertType, 'IoT_CryptoMiner')
  await configure('c-7', { snapshotFrequency: 'PT3H' })
  await until(() => agent.handled === 2)
  assert.equal(agent.settings.snapshotFrequency, 'PT3H')
  const view = await securityOf(
    server,
    'c-7',
    ({ agent: a, configuration: c }) => a.droppedEvents24h === 2 && c.drift.length === 0,
  )
  assert.equal(view.state, 'active')
  transport.cut()
})

test('C over AMQP: a wrong key is refused; a link beyond its rights is detached, the rest goes on', async () => {
  const credential = await credentialOf('c-8')
  const wrong = AmqpTransport.open(target, { ...credential, key: 'a2V5' }, 'c')
  await assert.rejects(wrong, /put-token 401/)
  const transport = await AmqpTransport.open(target, credential, 'c')
  const { peer } = transport
  peer.attach(20, `/devices/c-8/modules/${MODULE}/methods/devicebound`, true)
  assert.equal(await peer.condition(CODE.detach), 'amqp:unauthorized-access')
  const agent = new LegacyAgent(C_AGENT, transport)
  await agent.send(agent.event('ProcessCreate', [processCreate('ls')]))
  await eventsOf(server, 'c-8', 1)
  transport.cut()
})

test('C over AMQP: a newer connection takes over; the links of the older one are stolen', async () => {
  const credential = await credentialOf('c-9')
  const older = await AmqpTransport.open(target, credential, 'c')
  await new LegacyAgent(C_AGENT, older).start()
  const newer = await AmqpTransport.open(target, credential, 'c')
  const agent = new LegacyAgent(C_AGENT, newer)
  await agent.start()
  assert.equal(await older.peer.condition(CODE.detach), 'amqp:link:stolen')
  await agent.send(agent.event('ProcessCreate', [processCreate('ls')]))
  await eventsOf(server, 'c-9', 1)
  older.cut()
  newer.cut()
})

test('C# over AMQP: four-part version, times without a zone, a patch merged', async () => {
  const transport = await AmqpTransport.open(target, await credentialOf('cs-1'), 'csharp')
  const agent = new LegacyAgent(CSHARP_AGENT, transport)
  await agent.start()
  await configure('cs-1', { eventPriorityProcessTerminate: 'High' })
  await until(() => agent.handled === 2)
  assert.equal(agent.settings.eventPriorityProcessTerminate, 'High')
  const window = {
    ...{ HitCount: '14', StartTimeUtc: '11/02/2019 08:00:00', EndTimeUtc: '11/02/2019 09:00:00' },
    ...{ StartTimeLocal: '11/02/2019 10:00:00', EndTimeLocal: '11/02/2019 11:00:00' },
  }
  await agent.send(
    agent.event(
      'ProcessCreate',
      [
        {
          ...processCreate(MINER_COMMAND),
          ...{ ProcessId: 0, ParentProcessId: 0, ExtraDetails: window },
        },
      ],
      { category: 'Aggregated' },
    ),
    agent.event('ProcessTerminate', [{ Executable: 'a', ProcessId: 1, ExitStatus: 0 }]),
  )
  const alerts = await alertsOf(server, 'cs-1', 1)
  assert.equal(alerts.length, 1, 'one alert, whatever the hit count')
  const view = await securityOf(server, 'cs-1', ({ agent: a }) => a.version === '0.0.6.0')
  assert.equal(view.agent.kind, 'csharp')
  assert.deepEqual(view.configuration.drift, [])
  const events = await eventsOf(server, 'cs-1', 2)
  const ageMs = Date.now() - Date.parse(events[0].timeStampUtc)
  assert.ok(Math.abs(ageMs) < 3600_000, `an hour off: ${JSON.stringify(events[0])}`)
  transport.cut()
})

test('C# over AMQP: one wrong value drops the whole update, and it says so', async () => {
  const transport = await AmqpTransport.open(target, await credentialOf('cs-2'), 'csharp')
  const agent = new LegacyAgent(CSHARP_AGENT, transport)
  await agent.start()
  await patchDesired(server, 'cs-2', MODULE, {
    [LEGACY_CONFIGURATION_KEY]: {
      snapshotFrequency: { value: 'PT1H' },
      maxMessageSizeInBytes: { value: 'many' },
    },
  })
  await until(() => agent.handled === 2)
  assert.equal(agent.settings.snapshotFrequency, 'PT13H')
  await agent.flush()
  await securityOf(server, 'cs-2', ({ state }) => state === 'configError')
  transport.cut()
})

test('0.0.3: plain values under the older key; what it sends counts the same', async () => {
  const credential = await credentialOf('e-1')
  await patchDesired(server, 'e-1', MODULE, {
    [LEGACY_CONFIGURATION_KEY]: null,
    [EARLY_CONFIGURATION_KEY]: { snapshotFrequency: 'PT2H' },
  })
  const transport = await MqttTransport.open(target, credential)
  const agent = new LegacyAgent(EARLY_AGENT, transport)
  await agent.start()
  assert.equal(agent.settings.snapshotFrequency, 'PT2H')
  await agent.send(agent.event('ProcessCreate', [processCreate(MINER_COMMAND)]))
  assert.equal((await alertsOf(server, 'e-1', 1))[0].alertType, 'IoT_CryptoMiner')
  const view = await securityOf(server, 'e-1', ({ agent: a }) => a.version === '0.0.3')
  assert.equal(view.modules[0].era, 'early')
  assert.equal(view.configuration.reported.snapshotFrequency, 'PT2H')
  transport.cut()
})
