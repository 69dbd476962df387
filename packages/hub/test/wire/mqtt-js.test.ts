import assert from 'node:assert/strict'
import { type EventEmitter, once } from 'node:events'
import { test } from 'node:test'
import { CLOCK_SKEW_MS } from '@twinward/protocol'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { DEADLINE_MS, type MqttTestHub, makeToken, startMqttHub, until } from '../hub.ts'

const pump = { deviceId: 'pump-1' }
const EVENTS = 'devices/pump-1/messages/events/'
const DESIRED = '$iothub/twin/PATCH/properties/desired/#'
const TWIN_RESPONSES = '$iothub/twin/res/#'

test('mqtt.js: two filters in one SUBSCRIBE, one of them unknown', async () => {
  await using hub = await startMqttHub()
  await using peer = await connect(hub)
  const granted = await peer.client.subscribeAsync([TWIN_RESPONSES, DESIRED], { qos: 1 })
  assert.deepEqual(
    granted.map(({ qos }) => qos),
    [1, 1],
  )
  await assert.rejects(peer.client.subscribeAsync([TWIN_RESPONSES, 'a/b']))
})

test('mqtt.js: a publish before any subscribe is stored; QoS 2 closes', async () => {
  await using hub = await startMqttHub()
  await using peer = await connect(hub)
  await peer.client.publishAsync(EVENTS, 'x', { qos: 1 })
  assert.equal((await hub.messages()).length, 1)
  const closed = happens(peer.client, 'close')
  peer.client.publish(EVENTS, 'x', { qos: 2 })
  await closed
  assert.equal((await hub.messages()).length, 1)
})

test('mqtt.js: subscriptions of a persistent session are there after a reconnect', async () => {
  await using hub = await startMqttHub()
  {
    await using first = await connect(hub, { clean: false })
    await first.client.subscribeAsync(DESIRED)
  }
  await until(() => hub.sessions.count === 0)
  await using second = await connect(hub, { clean: false })
  const changed = happens(second.client, 'message')
  await hub.twins.patch(pump, { desired: { a: 1 } })
  const [topic, payload] = await changed
  assert.equal(topic, '$iothub/twin/PATCH/properties/desired/?$version=2')
  assert.equal(String(payload), '{"a":1,"$version":2}')
})

test('mqtt.js: a will is stored when the socket breaks', async () => {
  await using hub = await startMqttHub()
  const will = { topic: EVENTS, payload: Buffer.from('gone'), qos: 1 as const }
  await using peer = await connect(hub, { will })
  peer.client.stream.destroy()
  await until(async () => (await hub.messages()).length === 1, 'the will')
})

test('mqtt.js: a token that expires ends the connection', async () => {
  await using hub = await startMqttHub()
  const expiresAtMs = Date.now() - CLOCK_SKEW_MS + 1500
  const password = makeToken(await hub.keyOf(pump), pump, { expiresAtMs })
  await using peer = await connect(hub, { password })
  await happens(peer.client, 'close')
  assert.equal(hub.sessions.count, 0)
})

async function connect(
  hub: MqttTestHub,
  options: IClientOptions = {},
): Promise<{ readonly client: MqttClient } & AsyncDisposable> {
  const client = await connectAsync({
    protocol: 'mqtts',
    host: 'localhost',
    port: hub.port,
    ca: hub.ca,
    clientId: 'pump-1',
    username: 'localhost/pump-1/?api-version=2021-04-12',
    password: makeToken(await hub.keyOf(pump), pump),
    reconnectPeriod: 0,
    ...options,
  })
  client.on('error', () => {})
  return {
    client,
    // What was in flight when the hub closed stays so: mqtt.js would wait for it.
    [Symbol.asyncDispose]: () => client.endAsync(!client.connected),
  }
}

function happens(client: MqttClient, event: 'close' | 'message'): Promise<unknown[]> {
  // Its own typed emitter is not one of Node's to the type checker.
  const emitter = client as unknown as EventEmitter
  return once(emitter, event, { signal: AbortSignal.timeout(DEADLINE_MS) })
}
