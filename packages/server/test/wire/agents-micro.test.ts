import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { issue } from '../../../hub/test/certificate.ts'
import { MINER_COMMAND, processCreate } from '../agents/events.ts'
import { C_AGENT, LegacyAgent } from '../agents/legacy-agent.ts'
import {
  alertsOf,
  createDevice,
  eventsOf,
  patchDesired,
  refusedOf,
  securityOf,
} from '../agents/lookup.ts'
import { MicroAgent } from '../agents/micro-agent.ts'
import { MqttTransport } from '../agents/mqtt-transport.ts'
import { RtosAgent, rtosBag } from '../agents/rtos-agent.ts'
import { type AgentTarget, agentTarget } from '../agents/target.ts'
import { startTestServer, type TestServer, until } from '../server.ts'

// The agents of the micro era, and the way there from the legacy one (security 00 §2, 02 §3, 03 §6, §7).

const LEGACY = 'azureiotsecurity'
const MICRO = 'DefenderIotMicroAgent'
const RTOS = 'defender-iot-micro-agent'
let server: TestServer
let target: AgentTarget
before(async () => {
  server = await startTestServer()
  target = agentTarget(server)
})
after(() => server[Symbol.asyncDispose]())

async function connect(deviceId: string, moduleId: string, bag?: string): Promise<MqttTransport> {
  const { moduleKey: key } = await createDevice(server, deviceId, moduleId)
  const credential = { deviceId, moduleId, key }
  return MqttTransport.open(target, credential, bag === undefined ? {} : { bag })
}

/** The micro agent, started, with the plain bag of its SDK. */
async function startMicro(deviceId: string): Promise<MicroAgent & { transport: MqttTransport }> {
  const transport = await connect(deviceId, MICRO, SDK_BAG)
  const agent = new MicroAgent(transport)
  await agent.start()
  return Object.assign(agent, { transport })
}

const SDK_BAG = '%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1'
const microProcess = (commandLine: string) => ({
  ...{ time: new Date().toISOString(), pid: 4101, ppid: 4100, uid: 1000, user: 'ops' },
  ...{ exe: '/bin/sh', cmdline: commandLine, type: 'exec', hits: 1 },
})

test('micro: an empty desired section is success; a change flushes first, then is applied and reported', async () => {
  const agent = await startMicro('m-1')
  const view = await securityOf(server, 'm-1', ({ modules }) => modules.length === 2)
  assert.deepEqual(
    view.modules.map(({ era }: { era: string }) => era).sort(),
    ['legacy', 'micro'],
    'the hub made one, the operator the other: one logical twin',
  )
  agent.collect('Process', [microProcess(MINER_COMMAND)])
  await patchDesired(server, 'm-1', MICRO, { Process_MessageFrequency: 'High' })
  await until(() => agent.handled === 2)
  assert.equal(agent.waiting, 0, 'all unsent data went out at once')
  assert.equal((await alertsOf(server, 'm-1', 1))[0].alertType, 'IoT_CryptoMiner')
  const { body: twin } = await server.call('GET', `/twins/m-1/modules/${MICRO}`)
  assert.equal(twin.properties.reported.latest_state, 'success')
  await securityOf(server, 'm-1', ({ agent: a }) => a.version === MicroAgent.VERSION)
  agent.transport.cut()
})

test('micro: what changed while it was away it reads when it is back', async () => {
  const first = await startMicro('m-5')
  first.transport.cut()
  await patchDesired(server, 'm-5', MICRO, { Process_CacheSize: 64 })
  const second = await startMicro('m-5')
  assert.equal(second.settings.Process_CacheSize, 64)
  await securityOf(
    server,
    'm-5',
    ({ moduleId, configuration }) => moduleId === MICRO && configuration.state === 'applied',
  )
  second.transport.cut()
})

test('micro: a setting that it refuses is named, and shows as an error until it is mended', async () => {
  const agent = await startMicro('m-2')
  const desired = { Process_CacheSize: 0, CollectorsCore_PriorityIntervals: '30,120' }
  await patchDesired(server, 'm-2', MICRO, desired)
  await until(() => agent.handled === 2)
  const failed = await securityOf(server, 'm-2', ({ state }) => state === 'configError')
  assert.equal(failed.moduleId, MICRO, 'the module with an agent speaks for the device')
  const { body: twin } = await server.call('GET', `/twins/m-2/modules/${MICRO}`)
  assert.deepEqual(
    twin.properties.reported.latest_invalid_fields.split(',').sort(),
    Object.keys(desired).sort(),
  )
  await patchDesired(server, 'm-2', MICRO, {
    Process_CacheSize: 128,
    CollectorsCore_PriorityIntervals: null,
  })
  await until(() => agent.handled === 3)
  await securityOf(server, 'm-2', ({ state }) => state === 'active')
  agent.transport.cut()
})

test('micro: by a self-signed certificate; a key or another certificate does not open it', async () => {
  const { moduleKey } = await createDevice(server, 'm-3', MICRO)
  const own = await issue('anything')
  const sha256 = createHash('sha256').update(own.der).digest('hex')
  const body = {
    ...{ deviceId: 'm-3', moduleId: MICRO },
    authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint: sha256 } },
  }
  const headers = { 'if-match': '*' }
  await server.call('PUT', `/devices/m-3/modules/${MICRO}`, { body, headers })
  const credential = { deviceId: 'm-3', moduleId: MICRO }
  await assert.rejects(MqttTransport.open(target, { ...credential, key: moduleKey }), /CONNACK 5/)
  const stranger = await issue('stranger')
  await assert.rejects(
    MqttTransport.open(target, { ...credential, certificate: stranger }),
    /CONNACK 5/,
  )
  const transport = await MqttTransport.open(
    target,
    { ...credential, certificate: own },
    { bag: SDK_BAG },
  )
  const agent = new MicroAgent(transport)
  await agent.start()
  agent.collect('Heartbeat', [], true)
  await agent.flush()
  await securityOf(server, 'm-3', ({ agent: a }) => a.version === MicroAgent.VERSION)
  const uses = await until(async () => {
    const answer = await server.call('GET', '/api/devices/m-3/security/credentials')
    const micro = answer.body.modules.find(
      ({ moduleId }: { moduleId: string }) => moduleId === MICRO,
    )
    return micro?.lastUsed ? micro : undefined
  })
  assert.deepEqual([uses.type, uses.lastUsed.credential], ['selfSigned', 'primary'])
  transport.cut()
})

test('micro: twin events of its collectors count, what it does not know is kept', async () => {
  const agent = await startMicro('m-4')
  agent.collect('Login', [
    { operation: 'LoginFailed', pid: 12, user: 'root', terminal: 'pts/0', remoteAddr: '192.0.2.7' },
  ])
  agent.collect('Heartbeat', [], true)
  await agent.flush()
  const events = await eventsOf(server, 'm-4', 2)
  assert.deepEqual(events.map(({ name }) => name).sort(), ['Heartbeat', 'Login'])
  assert.deepEqual(await refusedOf(server, 'm-4'), [])
  agent.transport.cut()
})

test('from legacy to micro on one device: one logical twin, the newer agent speaks for it', async () => {
  const old = new LegacyAgent(C_AGENT, await connect('x-1', LEGACY))
  await old.start()
  await old.send(old.event('ProcessCreate', [processCreate(MINER_COMMAND)]))
  await alertsOf(server, 'x-1', 1)
  const before = await securityOf(server, 'x-1', ({ state }) => state === 'active')
  assert.deepEqual([before.modules.length, before.moduleId], [1, LEGACY])

  const agent = await startMicro('x-1')
  old.transport.cut()
  agent.collect('Heartbeat', [], true)
  await agent.flush()
  const after = await securityOf(
    server,
    'x-1',
    ({ agent: a, moduleId, state }) =>
      a.version === MicroAgent.VERSION && moduleId === MICRO && state === 'active',
  )
  assert.equal(after.modules.length, 2)
  assert.equal(after.alerts.IoT_CryptoMiner.openCount, 1, 'what was found before stays')
  const { body } = await server.call('GET', '/api/security/alerts?device=x-1')
  assert.equal(body.items.length, 1)
  agent.transport.cut()
})

for (const schema of ['2.0', '2.3'] as const) {
  test(`rtos ${schema}: FlatBuffers with mti and interface id, no twin configuration`, async () => {
    const deviceId = `r-${schema}`
    const agent = new RtosAgent(await connect(deviceId, RTOS, rtosBag(schema)), RTOS)
    await agent.send(
      agent.heartbeat(),
      agent.systemInformation('ThreadX 6.1', 'NetX Duo', 'STM32L4'),
      agent.networkActivity([
        {
          ...{ local: '10.0.0.5', remote: '198.51.100.7', localPort: 49152, remotePort: 8883 },
          ...{ bytesIn: 300, bytesOut: 1200 },
        },
        {
          ...{ local: 'fd00:0:0:0:0:0:0:5', remote: '2001:db8:0:0:0:0:0:7', isUdp: true },
          ...{ localPort: 5353, remotePort: 53, bytesIn: 10, bytesOut: 20 },
        },
      ]),
    )
    const events = await eventsOf(server, deviceId, 4)
    const all = JSON.stringify(events)
    for (const part of ['198.51.100.7', '2001:db8::7', 'STM32L4']) {
      assert.ok(all.includes(part), `${part} in ${all}`)
    }
    assert.deepEqual(await refusedOf(server, deviceId), [])
    const view = await securityOf(server, deviceId, ({ modules }) => modules.length === 2)
    const rtos = view.modules.find(({ moduleId }: { moduleId: string }) => moduleId === RTOS)
    assert.equal(rtos.era, 'rtos')
    agent.transport.cut()
  })
}

test('the core on Linux: a miner in a FlatBuffers message is found all the same', async () => {
  const agent = new RtosAgent(await connect('r-linux', MICRO, rtosBag('2.3', 1)), MICRO)
  await agent.send(agent.process('/bin/sh', MINER_COMMAND))
  assert.equal((await alertsOf(server, 'r-linux', 1))[0].alertType, 'IoT_CryptoMiner')
  agent.transport.cut()
})
