import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import device from 'azure-iot-device'
import mqttTransport from 'azure-iot-device-mqtt'
import { startTestServer, type TestServer, until } from '../server.ts'

// Every recommendation opens and closes by what agents, operators and deployments really do: security
// messages through Microsoft's SDK, unmodified, twins and identities through the API.

const { Message, ModuleClient } = device
const { Mqtt } = mqttTransport
const MODULE = 'azureiotsecurity'
const KEY = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration'

let server: TestServer
let legacy: Agent
let micro: Agent

before(async () => {
  server = await startTestServer({ agentGraceMinutes: 0 })
  await createDevice('pump-1')
  await createDevice('gateway-1')
  await server.call('PUT', '/devices/gateway-1/modules/DefenderIotMicroAgent', {
    body: { deviceId: 'gateway-1', moduleId: 'DefenderIotMicroAgent' },
  })
  await until(async () => (await stateOf('IoT_InstallAgent', 'pump-1')) === 'Active')
  legacy = await connect('pump-1', MODULE, '1.0')
  micro = await connect('gateway-1', 'DefenderIotMicroAgent', '2.0')
})
after(async () => {
  await legacy.close()
  await micro.close()
  await server[Symbol.asyncDispose]()
})

interface Agent {
  send(name: string, payload: readonly object[], fields?: object): Promise<void>
  close(): Promise<void>
}

async function connect(deviceId: string, moduleId: string, schema: string): Promise<Agent> {
  const connectionString = await server.connectionString(deviceId, moduleId)
  const client = ModuleClient.fromConnectionString(connectionString, Mqtt)
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  await client.open()
  return {
    async send(name, payload, fields = {}) {
      const now = new Date().toISOString()
      const event = {
        ...{ Id: randomUUID(), EventType: 'Security', Category: 'Periodic', Name: name },
        ...{ TimestampLocal: now, TimestampUTC: now, IsEmpty: payload.length === 0 },
        ...{ PayloadSchemaVersion: schema, Payload: payload, ...fields },
      }
      const envelope = { AgentVersion: '0.0.6', AgentId: '6f1f2c3d-1111-4222-8333-444455556666' }
      const message = new Message(
        JSON.stringify({ ...envelope, MessageSchemaVersion: schema, Events: [event] }),
      )
      message.setAsSecurityMessage()
      await client.sendEvent(message)
    },
    async close() {
      await client.close()
    },
  }
}

async function createDevice(deviceId: string, more: object = {}): Promise<void> {
  const { status } = await server.call('PUT', `/devices/${deviceId}`, {
    body: { deviceId, ...more },
  })
  assert.equal(status, 200)
}

async function read(type: string, deviceId: string) {
  const id = encodeURIComponent(`${type}|${deviceId}`)
  const { status, body } = await server.call('GET', `/api/security/recommendations/${id}`)
  return status === 200 ? body : undefined
}

async function stateOf(type: string, deviceId: string): Promise<string> {
  return (await read(type, deviceId))?.state ?? ''
}

/** Waits until a recommendation is in a state. @returns it */
function becomes(type: string, deviceId: string, state: string) {
  return until(async () => {
    const found = await read(type, deviceId)
    return found?.state === state && found
  })
}

/** Opens by one thing, closes by another; the history says so. */
async function opensAndCloses(
  type: string,
  deviceId: string,
  { bad, good }: { bad: () => Promise<void>; good: () => Promise<void> },
) {
  await bad()
  const opened = await becomes(type, deviceId, 'Active')
  await good()
  const closed = await becomes(type, deviceId, 'Resolved')
  const states = closed.history.map(({ state }: { state: string }) => state)
  assert.deepEqual(states.slice(-2), ['Active', 'Resolved'], type)
  assert.ok(closed.resolvedTimeUtc >= opened.discoveredTimeUtc)
  return opened
}

test('IoT_InstallAgent: until the agent is there', async () => {
  const closed = await becomes('IoT_InstallAgent', 'pump-1', 'Resolved')
  assert.equal(closed.history.length, 2)
  assert.equal(closed.additionalData.SecurityModule, 'provisioned')
})

test('IoT_OpenPorts: until nothing listens', async () => {
  const port = { Protocol: 'tcp', LocalAddress: '0.0.0.0', LocalPort: '8888' }
  const opened = await opensAndCloses('IoT_OpenPorts', 'pump-1', {
    bad: () => legacy.send('ListeningPorts', [{ ...port, RemotePort: '*' }]),
    good: () => legacy.send('ListeningPorts', []),
  })
  assert.equal(opened.additionalData.Endpoints, '["0.0.0.0:8888"]')
})

function chain(direction: string, action: string, ...rules: object[]): object[] {
  const ChainName = direction === 'In' ? 'INPUT' : 'OUTPUT'
  const all = [...rules, { Action: action }]
  return all.map((rule, at) => ({
    ...{ ChainName, Direction: direction, Priority: at, Enabled: true },
    ...rule,
  }))
}

test('IoT_PermissiveFirewallPolicy: until the policy denies', async () => {
  const opened = await opensAndCloses('IoT_PermissiveFirewallPolicy', 'pump-1', {
    bad: () => legacy.send('FirewallConfiguration', []),
    good: () => legacy.send('FirewallConfiguration', chain('In', 'Deny')),
  })
  assert.equal(opened.additionalData.Chains, '["INPUT","OUTPUT","FORWARD"]')
})

test('IoT_PermissiveInputFirewallRules and …Output…: until the rule is gone', async () => {
  const wide = { Action: 'Allow', SourceAddress: '0.0.0.0/0', DestinationPort: '*' }
  const input = chain('In', 'Deny', { ...wide, DestinationAddress: '10.0.0.5' })
  await opensAndCloses('IoT_PermissiveInputFirewallRules', 'pump-1', {
    bad: () => legacy.send('FirewallConfiguration', input),
    good: () => legacy.send('FirewallConfiguration', chain('In', 'Deny')),
  })
  const out = { Action: 'Allow', DestinationAddress: '0.0.0.0/0', DestinationPort: '*' }
  await opensAndCloses('IoT_PermissiveOutputFirewallRules', 'pump-1', {
    bad: () => legacy.send('FirewallConfiguration', chain('Out', 'Deny', out)),
    good: () => legacy.send('FirewallConfiguration', chain('Out', 'Deny')),
  })
})

test('IoT_Baseline: until the snapshot has no failure', async () => {
  const check = { Description: 'sshd', CceId: 'CCE-4475-0', Error: '', Severity: 'Critical' }
  const opened = await opensAndCloses('IoT_Baseline', 'pump-1', {
    bad: () => legacy.send('OSBaseline', [{ ...check, Result: 'FAIL' }]),
    good: () => legacy.send('OSBaseline', []),
  })
  assert.equal(opened.additionalData.TotalCriticalFailedRules, '1')
})

function check(id: string, result: string, group = 'Filesystem'): object {
  const texts = { description: `check ${id}`, error: '', remediation: 'Mount it nodev.' }
  const checkId = `CIS-debian-9-${group}-${id}`
  return { benchmark: 'cis-dil-2.0.0', checkId, group, result, severity: 'important', ...texts }
}

test('IoT_CISBenchmarks_…: one per check, the test check among them, until it passes', async () => {
  const trial = (result: string) => check('0.0', result, 'DEFENDER_FOR_IOT_TEST_CHECKS')
  const opened = await opensAndCloses('IoT_CISBenchmarks_DIoTTest', 'gateway-1', {
    bad: () => micro.send('Baseline', [trial('fail'), check('1.1.2', 'fail')]),
    good: () => micro.send('Baseline', [trial('pass'), check('1.1.2', 'error')]),
  })
  assert.equal(opened.severity, 'Medium')
  assert.deepEqual(opened.remediationSteps, ['Mount it nodev.'])
  assert.equal(
    await stateOf('IoT_CISBenchmarks_1.1.2', 'gateway-1'),
    'Active',
    'an error closes none',
  )
  const twin = '/twins/gateway-1/modules/DefenderIotMicroAgent'
  const desired = { Baseline_ChecksDisabled: '1.1.2' }
  await server.call('PATCH', twin, { body: { properties: { desired } } })
  await micro.send('Baseline', [check('1.1.2', 'fail')])
  await becomes('IoT_CISBenchmarks_1.1.2', 'gateway-1', 'Resolved')
})

const OPERATIONAL = { EventType: 'Operational' }

test('IoT_AgentSendsUnutilizedMessages: until few of the day’s messages are small', async () => {
  const statistics = (MessagesSent: number, MessagesUnder4KB: number) =>
    legacy.send(
      'MessageStatistics',
      [{ MessagesSent, MessagesUnder4KB, TotalFailed: 0 }],
      OPERATIONAL,
    )
  const opened = await opensAndCloses('IoT_AgentSendsUnutilizedMessages', 'pump-1', {
    bad: () => statistics(10, 5),
    good: () => statistics(100, 0),
  })
  assert.deepEqual(opened.additionalData, { MessagesSent: '10', MessagesUnder4KB: '5' })
})

test('IoT_AgentDropsEvents: until hardly any of the day’s events was lost', async () => {
  const dropped = (CollectedEvents: number, DroppedEvents: number) =>
    legacy.send(
      'DroppedEventsStatistics',
      [{ Queue: 'High', CollectedEvents, DroppedEvents }],
      OPERATIONAL,
    )
  await opensAndCloses('IoT_AgentDropsEvents', 'pump-1', {
    bad: () => dropped(100, 2),
    good: () => dropped(1000, 0),
  })
})

test('IoT_TwinConfigurationNotOptimal and …Conflict: until desired changes', async () => {
  for (const [ErrorType, type, value] of [
    ['NotOptimal', 'IoT_TwinConfigurationNotOptimal', 409_600],
    ['Conflict', 'IoT_TwinConfigurationConflict', 819_200],
  ] as const) {
    const error = { ConfigurationName: 'maxMessageSizeInBytes', ErrorType, UsedConfiguration: '{}' }
    const opened = await opensAndCloses(type, 'pump-1', {
      bad: () =>
        legacy.send('ConfigurationError', [{ ...error, Message: 'odd' }], {
          ...OPERATIONAL,
          Category: 'Triggered',
        }),
      good: async () => {
        const desired = { [KEY]: { maxLocalCacheSizeInBytes: { value: value * 4 } } }
        const path = `/twins/pump-1/modules/${MODULE}`
        const { status } = await server.call('PATCH', path, { body: { properties: { desired } } })
        assert.equal(status, 200)
      },
    })
    assert.deepEqual(JSON.parse(opened.additionalData.Errors), [
      { ConfigurationName: 'maxMessageSizeInBytes', Message: 'odd' },
    ])
  }
})

test('IoT_VulnerablePackage: until the package is updated', async () => {
  const entry = {
    id: 'GHSA-test',
    summary: 'bad',
    severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N' }],
    affected: [
      {
        package: { ecosystem: 'npm', name: 'left-pad' },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.3.0' }] }],
      },
    ],
  }
  const path = '/api/security/vulnerabilities'
  const wrong = await server.call('POST', path, { body: { items: [entry, { no: 'id' }] } })
  assert.equal(wrong.status, 400)
  assert.match(JSON.stringify(wrong.body), /items\[1\]/)
  const body = { source: 'npm', items: [entry] }
  assert.deepEqual((await server.call('POST', path, { body })).body, { imported: 1 })
  const sbom = (version: string) =>
    micro.send('Sbom', [
      { packages: [{ name: 'left-pad', version, purl: `pkg:npm/left-pad@${version}` }] },
    ])
  const opened = await opensAndCloses('IoT_VulnerablePackage', 'gateway-1', {
    bad: () => sbom('1.2.9'),
    good: () => sbom('1.3.0'),
  })
  assert.equal(opened.severity, 'Medium')
  assert.equal((await server.call('GET', `${path}/GHSA-test`)).body.score, 7.5)
  assert.equal((await server.call('DELETE', `${path}/GHSA-test`)).status, 204)
  assert.deepEqual((await server.call('GET', path)).body.items, [])
})

test('IoT_SharedCredentials: both devices name each other until one gets another key', async () => {
  const key = (byte: number) => Buffer.alloc(32, byte).toString('base64')
  const sas = (primaryKey: string, secondaryKey: string) => ({
    authentication: { type: 'sas', symmetricKey: { primaryKey, secondaryKey } },
  })
  await createDevice('twin-a', sas(key(1), key(2)))
  await createDevice('twin-b', sas(key(3), key(1)))
  const opened = await becomes('IoT_SharedCredentials', 'twin-a', 'Active')
  assert.equal(opened.severity, 'High')
  assert.deepEqual(opened.additionalData, {
    SharedWith: '["twin-b"]',
    TotalDevices: '2',
    Credentials: '["symmetricKey"]',
  })
  const other = await becomes('IoT_SharedCredentials', 'twin-b', 'Active')
  assert.equal(other.additionalData.SharedWith, '["twin-a"]')
  await server.call('PUT', '/devices/twin-b', {
    body: { deviceId: 'twin-b', ...sas(key(3), key(4)) },
    headers: { 'if-match': '*' },
  })
  await becomes('IoT_SharedCredentials', 'twin-a', 'Resolved')
  await becomes('IoT_SharedCredentials', 'twin-b', 'Resolved')
  const shown = JSON.stringify([opened, other])
  assert.ok(!shown.includes(key(1)), 'no key is shown')
})

test('recommendations of edge devices: until the deployment is better', async () => {
  await createDevice('edge-1', { capabilities: { iotEdge: true } })
  const deploy = async (host: object, username: string, env: object) => {
    const settings = { image: 'x', createOptions: JSON.stringify({ HostConfig: host }) }
    const logged = { image: 'x', createOptions: '{"HostConfig":{"LogConfig":{"Type":"local"}}}' }
    const modulesContent = {
      $edgeAgent: {
        'properties.desired': {
          schemaVersion: '1.1',
          runtime: {
            type: 'docker',
            settings: {
              registryCredentials: { a: { address: 'acme.azurecr.io', username, password: 'p' } },
            },
          },
          systemModules: {
            edgeAgent: { type: 'docker', settings: logged },
            edgeHub: { type: 'docker', settings: logged, env },
          },
          modules: {
            camera: { settings, env: { ClientTransportType: { value: 'Amqp' } } },
          },
        },
      },
    }
    const desired = modulesContent.$edgeAgent['properties.desired']
    const path = '/twins/edge-1/modules/$edgeAgent'
    const answer = await server.call('PATCH', path, { body: { properties: { desired } } })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
  }
  const types = [
    'IoT_PrivilegedDockerOptions',
    'IoT_ACRAuthentication',
    'IoT_EdgeLoggingOptions',
    'IoT_EdgeHubMemOptimize',
  ]
  await deploy({ Privileged: true, Binds: ['/:/host'] }, 'acme', {})
  const opened = await Promise.all(types.map((type) => becomes(type, 'edge-1', 'Active')))
  assert.deepEqual(JSON.parse(opened[0].additionalData.Modules), [
    { Module: 'camera', Privileges: ['Privileged', 'Bind /:/host'] },
  ])
  assert.equal(opened[1].additionalData.Registries.includes('"p"'), false)
  const principal = '0f0f0f0f-1234-4321-8888-abcdefabcdef'
  const off = { value: 'false' }
  const env = { MqttSettings__Enabled: off, HttpSettings__Enabled: off }
  await deploy({ Privileged: false, Binds: null, LogConfig: { Type: 'local' } }, principal, env)
  for (const type of types) await becomes(type, 'edge-1', 'Resolved')
})

test('a recommendation is exempted until a time, counted, and its type switched off and on', async () => {
  const port = { Protocol: 'tcp', LocalAddress: '0.0.0.0', LocalPort: '9999', RemotePort: '*' }
  await legacy.send('ListeningPorts', [port])
  await becomes('IoT_OpenPorts', 'pump-1', 'Active')
  const path = `/api/security/recommendations/${encodeURIComponent('IoT_OpenPorts|pump-1')}`
  const exemptUntilUtc = new Date(Date.now() + 3_600_000).toISOString()
  const change = { state: 'Exempt', reason: 'planned', exemptUntilUtc }
  const { body: exempted } = await server.call('PATCH', path, { body: change })
  assert.equal(exempted.exemptUntilUtc, exemptUntilUtc)
  assert.deepEqual(
    { ...exempted.history.at(-1), timeUtc: '' },
    { state: 'Exempt', by: 'iothubowner', note: 'planned', timeUtc: '' },
  )
  const { body: lifted } = await server.call('PATCH', path, { body: { state: 'Active' } })
  assert.deepEqual([lifted.state, lifted.exemptUntilUtc], ['Active', null])

  const aggregated = async () => {
    const { body } = await server.call('GET', '/api/security/recommendations/aggregated')
    return body.items.find(
      (one: { recommendationName: string }) => one.recommendationName === 'IoT_OpenPorts',
    )
  }
  const before = await aggregated()
  assert.equal(before.unhealthyDeviceCount, 1)
  assert.ok(before.healthyDevices >= 3)
  const type = '/api/security/recommendation-types/IoT_OpenPorts'
  const { body: off } = await server.call('PUT', type, { body: { status: 'Disabled' } })
  assert.deepEqual([off.status, off.severity], ['Disabled', 'OffByPolicy'])
  const resolved = await read('IoT_OpenPorts', 'pump-1')
  assert.deepEqual([resolved.state, resolved.history.at(-1).by], ['Resolved', 'iothubowner'])
  assert.equal((await aggregated()).reportedSeverity, 'OffByPolicy')
  await legacy.send('ListeningPorts', [port])
  await legacy.send('FirewallConfiguration', [])
  await becomes('IoT_PermissiveFirewallPolicy', 'pump-1', 'Active')
  assert.equal(await stateOf('IoT_OpenPorts', 'pump-1'), 'Resolved', 'off means off')
  await server.call('PUT', type, { body: { status: 'Enabled' } })
  await legacy.send('ListeningPorts', [port])
  await becomes('IoT_OpenPorts', 'pump-1', 'Active')
})
