import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { formatConnectionString } from '@twinward/protocol'
import device from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { readPolicies } from '../../src/data-dir.ts'
import { startTestServer, type TestServer, until } from '../server.ts'

const SCENARIO = fileURLToPath(new URL('jobs-sdk-scenario.ts', import.meta.url))
const mayBind443 = process.getuid?.() === 0
const HOUR_MS = 3_600_000

let server: TestServer
before(async () => {
  server = await startTestServer(mayBind443 ? { httpsPort: 443 } : {})
  for (const deviceId of ['d-1', 'd-2', 'd-3']) {
    assert.equal(
      (await server.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })).status,
      200,
    )
  }
})
after(() => server[Symbol.asyncDispose]())

const update = (body: object = {}) => ({
  type: 'scheduleUpdateTwin',
  updateTwin: { etag: '*', tags: { seen: true } },
  queryCondition: "deviceId = 'd-3'",
  ...body,
})

test('azure-iothub, unmodified: JobClient updates twins, calls methods, lists and cancels', {
  skip: !mayBind443 && 'this user may not listen on port 443, the only one this SDK knows',
}, async () => {
  const client = device.Client.fromConnectionString(await server.connectionString('d-1'), Mqtt)
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  await client.open()
  client.onDeviceMethod('reboot', (request, response) => {
    const payload = { name: request.methodName, payload: request.payload }
    void response.send(202, payload)
  })
  try {
    // The SDK subscribes in the background.
    await until(async () => {
      const body = { methodName: 'reboot', responseTimeoutInSeconds: 5 }
      return (await server.call('POST', '/twins/d-1/methods', { body })).status === 200
    })
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
  } finally {
    await client.close()
  }
})

test('a connected device is told of the change that a job makes', async () => {
  const client = device.Client.fromConnectionString(await server.connectionString('d-3'), Mqtt)
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  try {
    const twin = await client.getTwin()
    const told: unknown[] = []
    twin.on('properties.desired', (delta: unknown) => told.push(delta))
    await until(() => told.length === 1)
    const body = update({ updateTwin: { etag: '*', properties: { desired: { rpm: 9 } } } })
    assert.equal((await server.call('PUT', '/jobs/v2/told-1', { body })).status, 200)
    await until(() => told.length === 2)
    assert.deepEqual(told[1], { rpm: 9, $version: 2 })
  } finally {
    await client.close()
  }
})

test('answers: unknown ids, wrong bodies, states that allow nothing', async () => {
  const { status, body } = await server.call('GET', '/jobs/v2/nobody')
  assert.deepEqual([status, body], [200, { jobId: 'nobody', type: 'unknown', status: 'unknown' }])
  const etag = update({ updateTwin: { etag: 'AAAA', tags: {} } })
  const refused = await server.call('PUT', '/jobs/v2/etag-1', { body: etag })
  assert.equal(refused.headers['iothub-errorcode'], 'ArgumentInvalid')
  assert.match(refused.body.Message, /etag must be '\*'/)
  const upper = await server.call('PUT', '/jobs/v2/Upper', { body: update() })
  assert.equal(upper.status, 400)
  const missing = await server.call('POST', '/jobs/v2/nobody/cancel')
  assert.deepEqual([missing.status, missing.headers['iothub-errorcode']], [404, 'JobNotFound'])
  const list = await server.call('GET', '/jobs/v2/query?jobStatus=sleeping')
  assert.equal(list.status, 400)
})

test('a query that cannot be read fails the job, not the request', async () => {
  const body = update({ queryCondition: 'tags. = ' })
  assert.equal((await server.call('PUT', '/jobs/v2/wrong-1', { body })).body.status, 'queued')
  await until(async () => (await server.call('GET', '/jobs/v2/wrong-1')).body.status === 'failed')
  const { failureReason, statusMessage } = (await server.call('GET', '/jobs/v2/wrong-1')).body
  assert.match(failureReason, /at character/)
  assert.equal(statusMessage, failureReason)
})

test('slots: the eleventh job is refused with 429004', async () => {
  const startTime = new Date(Date.now() + HOUR_MS).toISOString()
  const statuses: number[] = []
  for (let n = 0; n < 11; n++) {
    const { status } = await server.call('PUT', `/jobs/v2/slot-${n}`, {
      body: update({ startTime }),
    })
    statuses.push(status)
  }
  assert.deepEqual(statuses, [...Array(10).fill(200), 429])
  const { headers } = await server.call('PUT', '/jobs/v2/slot-x', { body: update({ startTime }) })
  assert.equal(headers['iothub-errorcode'], 'ThrottlingMaxActiveJobCountExceeded')
  for (let n = 0; n < 10; n++) {
    assert.equal((await server.call('POST', `/jobs/v2/slot-${n}/cancel`)).body.status, 'cancelled')
  }
})
