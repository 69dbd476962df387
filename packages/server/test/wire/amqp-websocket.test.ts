import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeviceRef } from '@twinward/protocol'
import sdk, { type Client, type Message, type ModuleClient } from 'azure-iot-device'
import { AmqpWs } from 'azure-iot-device-amqp'
import { until } from '../../../hub/test/hub.ts'
import { type HttpsHub, startHttpsHub, WITHOUT_443 } from '../https-hub.ts'

const PUMP: DeviceRef = { deviceId: 'pump-1' }
const APP: DeviceRef = { deviceId: 'pump-1', moduleId: 'app' }
const CALL = { payload: { a: 1 }, responseTimeoutMs: 5000, connectTimeoutMs: 5000 }

/** Microsoft's client, unmodified. */
async function connectSdk<C extends Client | ModuleClient>(hub: HttpsHub, client: C): Promise<C> {
  await client.setOptions({ ca: hub.ca })
  client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => 0 })
  client.on('error', () => {})
  await client.open()
  return client
}

test('AmqpWs: a device sends telemetry, reads its twin, answers methods and gets messages', {
  skip: WITHOUT_443,
}, async () => {
  await using hub = await startHttpsHub()
  const text = await hub.connectionString(PUMP)
  const client = await connectSdk(hub, sdk.Client.fromConnectionString(text, AmqpWs))

  const message = new sdk.Message(Buffer.alloc(200_000, 'x'))
  message.properties.add('colour', 'red')
  await client.sendEvent(message)
  const [stored] = await hub.messages()
  assert.deepEqual([stored?.body.length, stored?.application], [200_000, { colour: 'red' }])

  await hub.twins.patch(PUMP, { desired: { rpm: 900, large: 'x'.repeat(4000) } })
  const twin = await client.getTwin()
  assert.equal(twin.properties.desired.rpm, 900)

  client.onDeviceMethod('reboot', (_request, response) => response.send(202, { ok: true }))
  const answer = await hub.methods.invoke(PUMP, { name: 'reboot', ...CALL })
  assert.deepEqual(answer, { status: 202, payload: '{"ok":true}' })

  const received: Message[] = []
  client.on('message', (one: Message) => {
    received.push(one)
    client.complete(one, () => {})
  })
  const body = Buffer.alloc(60_000, 'y')
  await hub.cloudMessages.send(PUMP, { system: {}, ack: 'none', application: {}, body })
  await until(async () => (await hub.cloudMessages.count(PUMP)) === 0)
  assert.deepEqual(received[0]?.getData(), body)
  await client.close()
})

test('AmqpWs: a module sends telemetry and a message as large as one may be', {
  skip: WITHOUT_443,
}, async () => {
  await using hub = await startHttpsHub()
  const text = await hub.connectionString(APP)
  const client = await connectSdk(hub, sdk.ModuleClient.fromConnectionString(text, AmqpWs))
  await client.sendEvent(new sdk.Message(Buffer.alloc(256 * 1024)))
  const [stored] = await hub.messages()
  assert.deepEqual([stored?.ref, stored?.body.length], [APP, 256 * 1024])
  await client.close()
})
