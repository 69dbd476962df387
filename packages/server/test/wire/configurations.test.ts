import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { formatConnectionString } from '@twinward/protocol'
import iotDevice from 'azure-iot-device'
import iotMqtt from 'azure-iot-device-mqtt'
import { readPolicies } from '../../src/data-dir.ts'
import { startTestServer, type TestServer, until } from '../server.ts'

const SCENARIO = fileURLToPath(new URL('configurations-sdk-scenario.ts', import.meta.url))
const mayBind443 = process.getuid?.() === 0
/** A device gets what a configuration says within this time of what makes it a target. */
const AT_ONCE_MS = 1000
const MODULE = 'azureiotsecurity'

let server: TestServer
before(async () => {
  server = await startTestServer(mayBind443 ? { httpsPort: 443 } : {})
})
after(() => server[Symbol.asyncDispose]())
afterEach(async () => {
  for (const { id } of (await server.call('GET', '/configurations')).body) {
    await server.call('DELETE', `/configurations/${id}`)
  }
})

// In a process of its own: see service-sdk.test.ts.
test('azure-iothub, unmodified: configurations from their creation to their end', {
  skip: !mayBind443 && 'this user may not listen on port 443, the only one this SDK knows',
}, async () => {
  const [owner] = readPolicies(server.dataDir)
  assert.ok(owner)
  const connectionString = formatConnectionString({
    hostName: server.host,
    sharedAccessKeyName: owner.name,
    sharedAccessKey: owner.primaryKey,
  })
  const args = ['--conditions=source', '--import', 'tsx', SCENARIO, connectionString]
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.caFile }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 })
  assert.match(stdout, /all steps passed/)
})

test('a connected device is told within a second of what makes it a target, and of what ends it', async () => {
  await server.call('PUT', '/devices/valve-1', { body: { deviceId: 'valve-1' } })
  await put('c', {
    content: { deviceContent: { 'properties.desired.level': 7 } },
    targetCondition: "tags.site = 'x'",
  })
  const device = await connect('valve-1')
  await changeTag('x')
  const told = await device.next()
  assert.equal(told.patch.level, 7)
  assert.ok(told.afterMs < AT_ONCE_MS, `${told.afterMs} ms`)
  await changeTag('y')
  const taken = await device.next()
  assert.deepEqual(taken.patch, { level: null, $version: told.patch.$version + 1 })
  // What a configuration is, only services see.
  assert.equal(JSON.stringify(await device.twin()).includes('configurations'), false)
  await device.close()

  async function changeTag(site: string): Promise<void> {
    device.mark()
    await server.call('PATCH', '/twins/valve-1', { body: { tags: { site } } })
  }
})

test('a new device and its security module have theirs in their first second', async () => {
  const desired = { interval: 'PT5M' }
  await put('devices', {
    content: { deviceContent: { 'properties.desired.telemetry': desired } },
    targetCondition: '*',
  })
  await put('modules', {
    content: { moduleContent: { 'properties.desired.telemetry': desired } },
    targetCondition: `FROM devices.modules WHERE moduleId = '${MODULE}'`,
  })
  const startMs = Date.now()
  await server.call('PUT', '/devices/valve-2', { body: { deviceId: 'valve-2' } })
  for (const path of ['/twins/valve-2', `/twins/valve-2/modules/${MODULE}`]) {
    const { body } = await until(async () => {
      const answer = await server.call('GET', path)
      return answer.body.properties.desired.telemetry && answer
    })
    assert.deepEqual(body.properties.desired.telemetry, desired)
  }
  assert.ok(Date.now() - startMs < AT_ONCE_MS)
})

test('privileged settings of a security module need the right of whoever wrote the configuration', async () => {
  await server.call('PUT', '/devices/valve-3', { body: { deviceId: 'valve-3' } })
  const name = 'baselineCustomChecksFilePath'
  const document = {
    content: {
      moduleContent: {
        'properties.desired.ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration': {
          [name]: { value: '/tmp/x' },
        },
      },
    },
    targetCondition: `FROM devices.modules WHERE moduleId = '${MODULE}'`,
  }
  const path = `/twins/valve-3/modules/${MODULE}`
  await put('c', document, 'service')
  const status = () =>
    until(async () => (await server.call('GET', path)).body.configurations?.c as { error?: string })
  const refused = await status()
  assert.match(refused.error ?? '', /baselineCustomChecksFilePath.*RegistryWrite/)
  await server.call('DELETE', '/configurations/c')
  await until(async () => !(await server.call('GET', path)).body.configurations)
  await put('c', document)
  assert.deepEqual(await status(), { status: 'Applied' })
  assert.ok(JSON.stringify((await server.call('GET', path)).body.properties.desired).includes(name))
})

test('errors have IoT Hub’s codes, and answers the etag in quotes', async () => {
  const good = { content: { deviceContent: { 'properties.desired.a': 1 } }, targetCondition: '*' }
  const metrics = { queries: { n: 'SELECT' } }
  const checks: readonly (readonly [string, unknown, Record<string, string>, number, string])[] = [
    ['c', good, {}, 200, ''],
    ['c', good, {}, 409, 'ConfigurationAlreadyExists'],
    ['c', good, { 'if-match': '"MQ=="' }, 200, ''],
    ['c', good, { 'if-match': 'Mg==' }, 200, ''],
    ['c', good, { 'if-match': '"MQ=="' }, 412, 'PreconditionFailed'],
    ['d', good, { 'if-match': '"*"' }, 404, 'ConfigurationNotFound'],
    ['D', good, {}, 400, 'ArgumentInvalid'],
    ['d', { ...good, id: 'x' }, {}, 400, 'ArgumentInvalid'],
    ['d', { ...good, priority: -1 }, {}, 400, 'ArgumentInvalid'],
    ['d', { targetCondition: '*' }, {}, 400, 'InvalidConfigurationContent'],
    ['d', { ...good, targetCondition: 'a =' }, {}, 400, 'InvalidConfigurationTargetCondition'],
    ['d', { ...good, metrics }, {}, 400, 'InvalidConfigurationCustomMetricsQuery'],
  ]
  for (const [id, body, headers, status, code] of checks) {
    const answer = await server.call('PUT', `/configurations/${id}`, { body, headers })
    const found = [answer.status, answer.headers['iothub-errorcode'] ?? '']
    assert.deepEqual(found, [status, code], JSON.stringify([id, body, headers]))
  }
  const { headers, body } = await server.call('GET', '/configurations/c')
  assert.deepEqual([headers.etag, body.etag, body.schemaVersion], ['"Mw=="', 'Mw==', null])
  const list = await server.call('GET', '/configurations/?top=20')
  assert.deepEqual([list.status, list.body.length], [200, 1])
  const deleted = await server.call('DELETE', '/configurations/c')
  assert.equal(deleted.status, 204)
  const test = await server.call('POST', '/configurations/testQueries', {
    body: { targetCondition: '*', customMetricQueries: { n: 'SELECT * FROM devices' } },
  })
  assert.deepEqual([test.status, Object.keys(test.body)], [200, ['targetConditionError']])
})

async function put(id: string, body: object, policy = 'iothubowner') {
  const answer = await server.call('PUT', `/configurations/${id}`, { body, policy })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
}

interface Told {
  readonly $version: number
  readonly level?: number | null
  readonly write?: number
}

/** A device that is told of its desired properties. */
async function connect(deviceId: string) {
  const text = await server.connectionString(deviceId)
  const client = iotDevice.Client.fromConnectionString(text, iotMqtt.Mqtt)
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  await client.open()
  const patches: { patch: Told; atMs: number }[] = []
  const twin = await client.getTwin()
  twin.on('properties.desired', (patch: Told) => patches.push({ patch, atMs: Date.now() }))
  // The SDK subscribes some time after that: a write that it tells says so.
  let writes = 0
  await until(async () => {
    const desired = { write: ++writes }
    await server.call('PATCH', `/twins/${deviceId}`, { body: { properties: { desired } } })
    return patches.some(({ patch }) => patch.write === writes)
  })
  patches.splice(0)
  let markMs = 0
  return {
    mark() {
      markMs = Date.now()
    },
    async next() {
      await until(() => patches.length > 0)
      const { patch, atMs } = patches.splice(0, 1)[0] as (typeof patches)[number]
      return { patch, afterMs: atMs - markMs }
    },
    twin: () => client.getTwin().then(({ properties }) => properties),
    close: () => client.close(),
  }
}
