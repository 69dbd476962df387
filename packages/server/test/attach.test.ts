import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { formatConnectionString } from '@twinward/protocol'
import sdk, { type Message, type ModuleClient } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { type ReadyInfo, readPolicies } from '../src/data-dir.ts'
import { BIN } from './process.ts'
import { apiCaller, type CallApi, startTestServer, type TestServer, until } from './server.ts'

// A hub without a security service of its own, and the security service in a process beside it.

let hub: TestServer
let service: { child: ChildProcess; call: CallApi; ready: ReadyInfo }
const dataDir = mkdtempSync(join(tmpdir(), 'twinward-attached-'))

before(async () => {
  hub = await startTestServer({ securityService: 'none' })
  await hub.call('PUT', '/devices/old-1', { body: { deviceId: 'old-1' } })
  service = await attach()
})

after(async () => {
  service.child.kill('SIGTERM')
  const [code] = await once(service.child, 'exit')
  await hub[Symbol.asyncDispose]()
  rmSync(dataDir, { recursive: true, force: true })
  assert.equal(code, 0)
})

async function attach() {
  const policy = readPolicies(hub.dataDir).find(({ name }) => name === 'iothubowner')
  const connectionString = formatConnectionString({
    hostName: `${hub.host}:${hub.ready.httpsPort}`,
    sharedAccessKeyName: 'iothubowner',
    sharedAccessKey: policy?.primaryKey ?? '',
  })
  const flags = ['--json', '--data-dir', dataDir, '--https-port', '0', '--ca', hub.caFile]
  const child = spawn(
    process.execPath,
    [BIN, 'security', ...flags, '--amqp-port', String(hub.ready.amqpPort)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        TWINWARD_LOG_LEVEL: 'error',
        TWINWARD_ATTACH: connectionString,
      },
    },
  )
  const line = once(createInterface({ input: child.stdout }), 'line')
  const ended = once(child, 'exit').then(([code]) => assert.fail(`it ended with ${code}`))
  const [text] = (await Promise.race([line, ended])) as [string]
  ended.catch(() => {})
  const ready = JSON.parse(text) as ReadyInfo
  const { listen: host, httpsPort: port, caFile } = ready
  const call = apiCaller({ host, port, caFile, dataDir })
  await until(async () => (await call('GET', '/health', { policy: null })).status === 200)
  return { child, ready, call }
}

async function agentOf(deviceId: string): Promise<ModuleClient> {
  const client = sdk.ModuleClient.fromConnectionString(
    await hub.connectionString(deviceId, 'azureiotsecurity'),
    Mqtt,
  )
  await client.setOptions({ ca: readFileSync(hub.caFile, 'utf8') })
  await client.open()
  return client
}

function minerMessage(id: string): Message {
  const message = new sdk.Message(
    JSON.stringify({
      AgentVersion: '0.0.6',
      AgentId: 'e8a3d9c1-6b54-4a0f-9a53-0c1c3e1f77aa',
      MessageSchemaVersion: '1.0',
      Events: [
        {
          EventType: 'Security',
          Category: 'Triggered',
          Name: 'ProcessCreate',
          PayloadSchemaVersion: '1.0',
          Id: id,
          TimestampLocal: new Date().toISOString(),
          TimestampUTC: new Date().toISOString(),
          IsEmpty: false,
          Payload: [
            {
              Executable: '/tmp/xmrig',
              ProcessId: 1,
              ParentProcessId: 1,
              UserId: '0',
              CommandLine: './xmrig -o stratum+tcp://pool.example.net:3333',
            },
          ],
        },
      ],
    }),
  )
  message.setAsSecurityMessage()
  return message
}

async function alertTypes(deviceId: string): Promise<readonly string[]> {
  const { body } = await service.call('GET', `/api/security/alerts?device=${deviceId}`)
  return body.items.map(({ alertType }: { alertType: string }) => alertType)
}

test('the hub says that its security service runs elsewhere', async () => {
  const { status, body } = await hub.call('GET', '/api/security/alerts')
  assert.equal(status, 501)
  assert.match(JSON.stringify(body), /elsewhere/)
  assert.equal((await hub.call('GET', '/health', { policy: null })).status, 200)
})

test('an alert from an unmodified SDK opens at the service and shows in the twin at the hub', async () => {
  await hub.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  const agent = await agentOf('pump-1')
  await agent.sendEvent(minerMessage('4f7e2b1a-30a1-4c6d-8e52-9d1f6a7b0c11'))
  await agent.close()
  await until(async () => (await alertTypes('pump-1')).includes('IoT_CryptoMiner'))
  await until(async () => {
    const { body } = await hub.call('GET', '/twins/pump-1/modules/azureiotsecurity')
    return body.tags?.alerts?.IoT_CryptoMiner !== undefined
  })
  const { body } = await service.call('GET', '/api/devices/pump-1/security')
  assert.equal(body.modules[0]?.moduleId, 'azureiotsecurity')
  assert.equal(body.alerts.IoT_CryptoMiner.openCount, 1)
})

test('a module that somebody removed at the hub is made anew by the service', async () => {
  await hub.call('PUT', '/devices/pump-2', { body: { deviceId: 'pump-2' } })
  await hub.call('DELETE', '/devices/pump-2/modules/azureiotsecurity', {
    headers: { 'if-match': '*' },
  })
  await until(async () => {
    const { status } = await hub.call('GET', '/devices/pump-2/modules/azureiotsecurity')
    return status === 200
  })
})

test('configuration set at the service arrives in the twin at the hub', async () => {
  await hub.call('PUT', '/devices/pump-3', { body: { deviceId: 'pump-3' } })
  const { status } = await service.call('PATCH', '/api/devices/pump-3/security/config', {
    body: { settings: { snapshotFrequency: 'PT1H' } },
  })
  assert.equal(status, 200)
  const { body } = await hub.call('GET', '/twins/pump-3/modules/azureiotsecurity')
  assert.match(JSON.stringify(body.properties.desired), /"snapshotFrequency":\{"value":"PT1H"\}/)
})

test('what is sent while the service is dead by kill -9 becomes an alert once it is back', async () => {
  service.child.kill('SIGKILL')
  await once(service.child, 'exit')
  const agent = await agentOf('old-1')
  await agent.sendEvent(minerMessage('5f7e2b1a-30a1-4c6d-8e52-9d1f6a7b0c12'))
  await agent.close()
  service = await attach()
  await until(async () => (await alertTypes('old-1')).includes('IoT_CryptoMiner'))
  const { body } = await service.call('GET', '/api/security/events?device=old-1&limit=10')
  assert.equal(body.items.length, 1)
  // What was there before is there still, once.
  assert.deepEqual(await alertTypes('pump-1'), ['IoT_CryptoMiner'])
})
