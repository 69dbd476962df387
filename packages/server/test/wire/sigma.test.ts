import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { after, before, test } from 'node:test'
import { SECURITY_INTERFACE_ID } from '@twinward/protocol'
import device from 'azure-iot-device'
import mqttTransport from 'azure-iot-device-mqtt'
import { serviceToken, startTestServer, type TestServer, until } from '../server.ts'

const { Message, ModuleClient } = device
const { Mqtt } = mqttTransport

const RULE = `title: Word of ours
id: ours-1
tags: [attack.execution, attack.t1059]
logsource: {category: process_creation, product: linux}
detection:
  selection: {CommandLine|contains: qwertz}
  condition: selection
level: high
`
const SIGMA = '/api/security/sigma'

let server: TestServer
before(async () => {
  server = await startTestServer()
})
after(() => server[Symbol.asyncDispose]())

test('Sigma rules: imported as YAML and as JSON, checked, switched, and forgotten', async () => {
  const check = await server.call('POST', `${SIGMA}/check`, { body: { yaml: RULE } })
  assert.equal(check.status, 200)
  assert.equal(check.body.items[0].status, 'supported')
  assert.equal((await server.call('GET', SIGMA)).body.summary.total, 0)

  const sent = await sendYaml(`${SIGMA}?source=own`, RULE)
  assert.deepEqual([sent.status, sent.body.added, sent.body.summary.supported], [200, 1, 1])
  const again = await server.call('PUT', SIGMA, { body: { yaml: RULE, source: 'own' } })
  assert.equal(again.body.unchanged, 1)

  const shown = await server.call('GET', `${SIGMA}/ours-1`)
  const { alertType, severity, intent, techniques, isEnabled, source, yaml } = shown.body
  assert.deepEqual([alertType, severity, intent], ['Sigma_ours_1', 'High', 'Execution'])
  assert.deepEqual([techniques, isEnabled, source], [['T1059'], true, 'own'])
  assert.equal(yaml, RULE.trimEnd())

  const off = await server.call('PATCH', `${SIGMA}/ours-1`, { body: { isEnabled: false } })
  assert.equal(off.body.isEnabled, false)
  const rule = '/api/security/rules/Sigma_ours_1'
  const set = await server.call('PUT', rule, { body: { severity: 'Low' } })
  assert.deepEqual([set.status, set.body.setting.severity], [200, 'Low'])
  // Settings outlive the rule, so that a rule that is imported anew has them.
  assert.equal((await server.call('PUT', rule, { body: {} })).status, 200)

  const removed = await server.call('DELETE', `${SIGMA}?source=own`)
  assert.deepEqual(removed.body, { removed: 1 })
  assert.equal((await server.call('GET', `${SIGMA}/ours-1`)).status, 404)
  assert.equal((await server.call('DELETE', `${SIGMA}/ours-1`)).status, 204)
})

test('Sigma rules: an agent starts a command, and the alert and the match are there', async () => {
  await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  await server.call('POST', SIGMA, { body: { yaml: RULE } })
  await startCommand('qwertz --now')
  const alert = await until(async () => {
    const { body } = await server.call('GET', '/api/security/alerts?type=Sigma_ours_1')
    return body.items[0]
  })
  assert.deepEqual([alert.displayName, alert.severity], ['Word of ours', 'High'])
  assert.equal(alert.extendedProperties['Sigma Rule'], 'ours-1')
  const { body } = await server.call('GET', `${SIGMA}/ours-1`)
  assert.equal(body.matchCount, 1)
  assert.ok(body.lastMatchUtc)
  const tag = await until(async () => {
    const twin = await server.call('GET', '/twins/pump-1/modules/azureiotsecurity')
    return twin.body.tags?.alerts?.Sigma_ours_1
  })
  assert.equal(tag.openCount, 1)
})

test('Sigma rules: what is no YAML, too large or named twice is refused with the reason', async () => {
  const deep = await server.call('POST', SIGMA, { body: { yaml: '['.repeat(1000) } })
  assert.deepEqual([deep.status, deep.body.invalid], [200, 1])
  assert.match(deep.body.items[0].problem, /nested too deep/)
  const twice = await sendYaml(`${SIGMA}?source=a`, '{"yaml": "x"}')
  assert.deepEqual([twice.status, twice.body.invalid], [200, 1])
  const large = await server.call('POST', SIGMA, { body: { yaml: `# ${'x'.repeat(1_100_000)}` } })
  assert.equal(large.status, 400)
  assert.match(JSON.stringify(large.body), /more than 1048576 bytes/)
})

/** As the agents do: Microsoft's module client, MQTT. */
async function startCommand(CommandLine: string): Promise<void> {
  const connectionString = await server.connectionString('pump-1', 'azureiotsecurity')
  const client = ModuleClient.fromConnectionString(connectionString, Mqtt)
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  await client.open()
  const now = new Date().toISOString()
  const ids = { ProcessId: 5, ParentProcessId: 1, UserId: '0', UserName: 'root' }
  const event = {
    ...{ Id: randomUUID(), Name: 'ProcessCreate', Category: 'Triggered', EventType: 'Security' },
    ...{ TimestampLocal: now, TimestampUTC: now, IsEmpty: false, PayloadSchemaVersion: '1.0' },
    Payload: [{ Executable: '/usr/bin/qwertz', CommandLine, ...ids }],
  }
  const agent = { AgentVersion: '0.0.6', AgentId: randomUUID(), MessageSchemaVersion: '1.0' }
  const message = new Message(JSON.stringify({ ...agent, Events: [event] }))
  message.interfaceId = SECURITY_INTERFACE_ID
  await client.sendEvent(message)
  await client.close()
}

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: an answer of the API
  readonly body: any
}

function sendYaml(path: string, yaml: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({
      host: server.host,
      port: server.ready.httpsPort,
      ca: readFileSync(server.caFile),
      method: 'POST',
      path,
      headers: {
        authorization: serviceToken(server.host, server.dataDir, 'service'),
        'content-type': 'text/yaml; charset=utf-8',
      },
    })
    call.on('error', reject)
    call.on('response', async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) })
    })
    call.end(yaml)
  })
}
