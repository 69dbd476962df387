import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Twin } from 'azure-iot-device'
import device from 'azure-iot-device'
import mqttTransport from 'azure-iot-device-mqtt'
import { startTestServer, type TestServer, until } from '../server.ts'

const { Message, ModuleClient } = device
const { Mqtt } = mqttTransport
const KEY = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration'
const MODULE = 'azureiotsecurity'

/** A security agent made of Microsoft's SDK, unmodified, connected as the security module. */
async function connectAgent(server: TestServer, deviceId: string) {
  const client = ModuleClient.fromConnectionString(
    await server.connectionString(deviceId, MODULE),
    Mqtt,
  )
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  await client.open()
  return {
    client,
    async [Symbol.asyncDispose]() {
      await client.close()
    },
  }
}

function securityMessage(...events: object[]) {
  const message = new Message(
    JSON.stringify({
      AgentVersion: '0.0.6',
      AgentId: 'e8a3d9c1-6b54-4a0f-9a53-0c1c3e1f77aa',
      MessageSchemaVersion: '1.0',
      Events: events,
    }),
  )
  message.setAsSecurityMessage()
  return message
}

function securityEvent(name: string, category: string, payload: object[]) {
  const now = new Date().toISOString()
  return {
    Id: crypto.randomUUID(),
    EventType: 'Security',
    Name: name,
    Category: category,
    PayloadSchemaVersion: '1.0',
    TimestampLocal: now,
    TimestampUTC: now,
    IsEmpty: payload.length === 0,
    Payload: payload,
  }
}

function started(commandLine: string) {
  return securityEvent('ProcessCreate', 'Triggered', [
    {
      Executable: '/bin/sh',
      ProcessId: 7,
      ParentProcessId: 1,
      UserId: '1000',
      CommandLine: commandLine,
    },
  ])
}

function listening(...ports: string[]) {
  const payload = ports.map((LocalPort) => ({
    Protocol: 'tcp',
    LocalAddress: '0.0.0.0',
    LocalPort,
    RemoteAddress: '0.0.0.0',
    RemotePort: '*',
  }))
  return securityEvent('ListeningPorts', 'Periodic', payload)
}

test('an agent’s whole day: configured, reports, sends, and its device’s twin shows what was found', async () => {
  await using server = await startTestServer()
  await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  const twinPath = `/twins/pump-1/modules/${MODULE}`
  const created = await server.call('GET', twinPath)
  assert.equal(created.status, 200, 'the security module twin is there at once')
  assert.deepEqual(created.body.properties.desired[KEY].snapshotFrequency, { value: 'PT13H' })

  await using agent = await connectAgent(server, 'pump-1')
  const twin: Twin = await agent.client.getTwin()
  assert.deepEqual(twin.properties.desired[KEY].maxMessageSizeInBytes, { value: 204800 })

  const pushed = new Promise<Record<string, Record<string, unknown>>>((resolve) => {
    twin.on('properties.desired', (desired) => {
      if (desired[KEY]?.snapshotFrequency?.value === 'PT1H') resolve(desired)
    })
  })
  const changed = await until(async () => {
    const answer = await server.call('PATCH', '/api/devices/pump-1/security/config', {
      body: { settings: { snapshotFrequency: 'PT1H' } },
      policy: 'service',
    })
    return answer.status === 200 && answer.body
  })
  assert.equal(changed.effective.snapshotFrequency.value, 'PT1H')
  const delivered = await pushed
  assert.deepEqual(
    delivered[KEY]?.highPriorityMessageFrequency,
    { value: 'PT7M' },
    'the payload of the patch is the complete configuration',
  )

  await new Promise<void>((resolve, reject) =>
    twin.properties.reported.update({ [KEY]: delivered[KEY] }, (error: Error) =>
      error ? reject(error) : resolve(),
    ),
  )
  await agent.client.sendEvent(
    securityMessage(started('sh -c echo cpuminer-multi'), listening('8888', '22')),
  )

  const alerts = await until(async () => {
    const { body } = await server.call('GET', '/api/security/alerts?device=pump-1')
    return body.items.length > 0 && body.items
  })
  assert.equal(alerts.length, 1)
  assert.equal(alerts[0].alertType, 'IoT_CryptoMiner')
  assert.equal(alerts[0].severity, 'High')
  assert.equal(alerts[0].extendedProperties.CommandLine, 'sh -c echo cpuminer-multi')
  assert.ok(alerts[0].remediationSteps.length > 0)

  const tags = await until(async () => {
    const { body } = await server.call('GET', twinPath)
    const { config, recommendations } = body.tags
    return recommendations?.IoT_OpenPorts && config?.state === 'applied' && body.tags
  })
  assert.equal(tags.securityGroup, 'default', 'operators’ tags are left alone')
  assert.equal(tags.alerts.IoT_CryptoMiner.openCount, 1)
  assert.equal(tags.recommendations.IoT_OpenPorts.severity, 'Medium')
  assert.equal(tags.agent.version, '0.0.6')
  assert.equal(tags.agent.state, 'active')
  assert.ok(tags.posture.score > 0 && tags.posture.score < 100)

  const { body: events } = await server.call('GET', '/api/security/events?device=pump-1')
  assert.deepEqual(
    events.items.map(({ name }: { name: string }) => name).sort(),
    ['ListeningPorts', 'ListeningPorts', 'ProcessCreate'],
    'one row per payload element',
  )
  const { body: whole } = await server.call('GET', '/api/devices/pump-1/security')
  assert.equal(whole.state, 'active')
  assert.equal(whole.modules[0].connectionState, 'Connected')
  assert.deepEqual(whole.configuration.drift, [])

  const alertPath = `/api/security/alerts/${alerts[0].id}`
  const resolved = await server.call('PATCH', alertPath, {
    body: { status: 'resolved', note: 'was a test' },
  })
  assert.equal(resolved.body.status, 'Resolved')
  assert.equal(resolved.body.history.at(-1).by, 'iothubowner')
  await agent.client.sendEvent(securityMessage(listening()))
  await until(async () => {
    const { body } = await server.call('GET', twinPath)
    return !body.tags.alerts.IoT_CryptoMiner && !body.tags.recommendations.IoT_OpenPorts
  })
})

test('a message with a bad event: the good ones count, the bad one is refused with its reason', async () => {
  await using server = await startTestServer()
  await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  await using agent = await connectAgent(server, 'pump-1')
  const bad = { ...started('ls'), Payload: [{ Executable: 7 }] }
  await agent.client.sendEvent(securityMessage(started('ls'), bad))
  const notJson = new Message('{"AgentVersion":')
  notJson.setAsSecurityMessage()
  await agent.client.sendEvent(notJson)
  const refused = await until(async () => {
    const { body } = await server.call('GET', '/api/security/rejected?device=pump-1')
    return body.items.length === 2 && body.items
  })
  assert.match(refused[1].reason, /Events\[1\]\.Payload\[0\]/)
  assert.match(refused[0].excerpt, /^\{"AgentVersion":/)
  const { body } = await server.call('GET', '/api/security/events?device=pump-1')
  assert.equal(body.items.length, 1)
})

test('configuration: every mistake is named, dangerous values are refused on every route', async () => {
  await using server = await startTestServer()
  await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  const configPath = '/api/devices/pump-1/security/config'
  const wrong = await server.call('PATCH', configPath, {
    body: { settings: { snapshotFrequncy: 'PT1H', maxMessageSizeInBytes: 1 } },
  })
  assert.equal(wrong.status, 400)
  assert.match(wrong.body.Message, /snapshotFrequency/, 'it says what was meant')
  assert.match(wrong.body.Message, /maxMessageSizeInBytes/)

  const settings = {
    baselineCustomChecksEnabled: true,
    baselineCustomChecksFilePath: '/etc/checks.xml',
    baselineCustomChecksFileHash: 'a'.repeat(64),
  }
  const forbidden = await server.call('PATCH', configPath, {
    body: { settings },
    policy: 'service',
  })
  assert.equal(forbidden.status, 403)
  assert.equal((await server.call('PATCH', configPath, { body: { settings } })).status, 200)

  const injected = {
    properties: { desired: { [KEY]: { baselineCustomChecksFilePath: { value: '/x; reboot' } } } },
  }
  const raw = await server.call('PATCH', `/twins/pump-1/modules/${MODULE}`, { body: injected })
  assert.equal(raw.status, 400)
  assert.match(raw.body.Message, /baselineCustomChecksFilePath/)
})

test('a security module that was deleted by hand comes back', async () => {
  await using server = await startTestServer()
  await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  const path = `/devices/pump-1/modules/${MODULE}`
  await server.call('DELETE', path, { headers: { 'if-match': '*' } })
  assert.equal((await server.call('GET', path)).status, 404)
  await until(async () => (await server.call('GET', path)).status === 200)
})

test('no secret reaches the log', async () => {
  const lines: string[] = []
  const write = (fields: object, message: string) =>
    lines.push(`${JSON.stringify(fields)} ${message}`)
  const log = { debug: write, info: write, warn: write, error: write }
  await using server = await startTestServer({}, log)
  const canary = Buffer.from('canary-canary-canary-canary-1234').toString('base64')
  const authentication = { symmetricKey: { primaryKey: canary, secondaryKey: canary } }
  await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1', authentication } })
  const wrongKey = (await server.connectionString('pump-1')).replace(/Key=.*/, `Key=${canary}x`)
  for (const text of [await server.connectionString('pump-1'), wrongKey]) {
    const client = device.Client.fromConnectionString(text, Mqtt)
    await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
    await client.open().catch(() => {})
    await client.close().catch(() => {})
  }
  await server.call('PUT', '/devices/pump-1', { body: `{"deviceId":"pump-1","x":"${canary}` })
  await until(() => lines.length > 0)
  const text = lines.join('\n')
  assert.ok(!text.includes(canary) && !text.includes('sig='), text)
})
