import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { sasResource } from '@twinward/protocol'
import { connectAsync } from 'mqtt'
import { identityToken, startTestServer, until } from './server.ts'

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
