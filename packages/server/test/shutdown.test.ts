import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { sasResource } from '@twinward/protocol'
import { connectAsync } from 'mqtt'
import { readConfig } from '../src/config/read-config.ts'
import { openHubStores } from '../src/open-stores.ts'
import { identityToken, startTestServer, until } from './server.ts'

/** Of one job; see hub/jobs. */
const MAX_IN_FLIGHT = 64
const PATH = '/twins/pump-1/methods'
/** Less than the time that the device has left to answer. */
const MAX_CLOSE_MS = 15_000

test('close: calls that are under way are answered, WebSockets end, and nothing holds it up', async () => {
  const server = await startTestServer()
  try {
    const { host, caFile, call, ready } = server
    const { body: device } = await call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
    const client = await connectAsync(`wss://${host}:${ready.httpsPort}/$iothub/websocket`, {
      clientId: 'pump-1',
      username: `${host}/pump-1/?api-version=2021-04-12`,
      password: identityToken(sasResource(host, { deviceId: 'pump-1' }), device),
      ca: readFileSync(caFile),
      reconnectPeriod: 0,
    })
    const { connectionState } = (await call('GET', '/devices/pump-1')).body
    assert.equal(connectionState, 'Connected')
    const calls: string[] = []
    client.on('message', (topic) => calls.push(topic))
    await client.subscribeAsync('$iothub/methods/POST/#')
    const asked = call('POST', PATH, { body: { methodName: 'a' } })
    await until(() => calls.length === 1)

    const closed = new Promise<void>((resolve) => client.on('close', () => resolve()))
    const begunMs = Date.now()
    await server[Symbol.asyncDispose]()
    const { status, headers } = await asked
    assert.deepEqual([status, headers['iothub-errorcode']], [503, 'ServiceUnavailable'])
    await closed
    assert.ok(Date.now() - begunMs < MAX_CLOSE_MS, 'it took too long')
    await client.endAsync(true)
  } finally {
    await server[Symbol.asyncDispose]()
  }
})

test('close: a job begins nothing more, and what it has not begun waits for the next start', async () => {
  const server = await startTestServer()
  try {
    const { call, dataDir } = server
    const ids = Array.from({ length: MAX_IN_FLIGHT + 6 }, (_, n) => `d-${n}`)
    const devices = ids.map((id) => ({ id, importMode: 'create', status: 'enabled' }))
    const { status, body } = await call('POST', '/devices', { body: devices })
    assert.equal(status, 200, JSON.stringify(body))
    // None is there; each is waited for.
    const times = { connectTimeoutInSeconds: 60, responseTimeoutInSeconds: 60 }
    const cloudToDeviceMethod = { methodName: 'a', ...times }
    const job = { type: 'scheduleDeviceMethod', cloudToDeviceMethod, queryCondition: '*' }
    const put = await call('PUT', '/jobs/v2/j1', { body: job })
    assert.equal(put.status, 200, JSON.stringify(put.body))
    await until(async () => {
      const { body } = await call('GET', '/jobs/v2/j1')
      return body.deviceJobStatistics?.runningCount === MAX_IN_FLIGHT
    })
    await server.close()
    const { settings } = readConfig({ dataDir }, {})
    const stores = await openHubStores(dataDir, settings, (error) => {
      throw error
    })
    const { pendingCount, failedCount } = await stores.jobs.statistics('j1')
    assert.equal((await stores.jobs.find('j1'))?.status, 'running')
    await stores.close()
    assert.deepEqual([pendingCount, failedCount], [6, MAX_IN_FLIGHT])
  } finally {
    await server[Symbol.asyncDispose]()
  }
})
