import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DeviceRef, type JsonValue, METHOD_REQUESTS } from '@twinward/protocol'
import type { Client, ModuleClient } from 'azure-iot-device'
import type { Hub } from '../../src/hub.ts'
import type { MethodCall } from '../../src/methods/method-call.ts'
import { startMqttHub, until } from '../hub.ts'
import { agent, bench, pump, settled } from '../mqtt-bench.ts'
import { connectRaw, type RawClient } from '../raw-mqtt.ts'
import { mqttSdk, type SdkClient } from './device-sdk.ts'

const CALL = { name: 'reboot', payload: { delay: 5 }, responseTimeoutMs: 5000, connectTimeoutMs: 0 }
const REQUEST = /^\$iothub\/methods\/POST\/reboot\/\?\$rid=([A-Za-z0-9-]+)$/

for (const ref of [pump, agent]) {
  const name = 'moduleId' in ref ? 'a module' : 'a device'

  test(`methods: ${name} that subscribed is called at QoS 0, with nothing after the rid`, async () => {
    await using b = bench()
    const client = await connectRaw(b, ref)
    client.subscribe(METHOD_REQUESTS)
    await client.receive('suback')
    const result = call(b.hub, ref)
    const [request] = await client.receive('publish')
    const rid = REQUEST.exec(request?.topic ?? '')?.[1]
    assert.ok(rid, request?.topic)
    assert.equal(request?.qos, 0)
    assert.equal(String(request?.payload), '{"delay":5}')
    // Python and Java send even this at QoS 1 (03 §12).
    client.publish(`$iothub/methods/res/201/?$rid=${rid}`, '{"ok":true}', 7)
    assert.deepEqual(await result, { status: 201, payload: { ok: true } })
    assert.equal((await client.receive('puback'))[0]?.messageId, 7)
  })

  test(`methods: ${name} with Microsoft's client answers a call`, async () => {
    await using hub = await startMqttHub()
    await using peer = await mqttSdk.connect(hub, ref)
    onMethod(peer, (request, response) => {
      void response.send(200, { heard: request.payload })
    })
    await until(() => hub.sessions.find(ref)?.takesMethods === true, 'the subscription')
    const payloads: readonly JsonValue[] = [{ delay: 5 }, null, 'grüße', 0, [1, [2]]]
    for (const payload of payloads) {
      const result = await call(hub, ref, { payload })
      assert.deepEqual(result, { status: 200, payload: { heard: payload } })
    }
  })
}

test('methods: an answer twice, late, to nobody or of another device changes nothing and closes nothing', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  const other = await connectRaw(b, agent)
  client.subscribe(METHOD_REQUESTS)
  await client.receive('suback')
  const result = call(b.hub, pump)
  const [request] = await client.receive('publish')
  const rid = REQUEST.exec(request?.topic ?? '')?.[1]
  other.publish(`$iothub/methods/res/200/?$rid=${rid}`, '"foreign"', 1)
  await other.receive('puback')
  client.publish(`$iothub/methods/res/200/?$rid=${rid}`, '"first"')
  client.publish(`$iothub/methods/res/500/?$rid=${rid}`, '"second"', 2)
  client.publish('$iothub/methods/res/200/?$rid=unknown', '', 3)
  await client.receive('puback', 2)
  assert.deepEqual(await result, { status: 200, payload: 'first' })
  await settled(client)
  await settled(other)
})

test('methods: a response may lack the last slash, carry more after the rid and have an empty body', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.subscribe(METHOD_REQUESTS)
  await client.receive('suback')
  const answers = [
    (rid: string) => `$iothub/methods/res/200?$rid=${rid}`,
    (rid: string) => `$iothub/methods/res/200/?$rid=${rid}&a=b`,
    (rid: string) => `$iothub/methods/res/200/?a=b&$rid=${rid}`,
  ]
  for (const [index, topic] of answers.entries()) {
    const result = call(b.hub, pump)
    const request = (await client.receive('publish', index + 1)).at(-1)
    client.publish(topic(REQUEST.exec(request?.topic ?? '')?.[1] ?? ''))
    assert.deepEqual(await result, { status: 200, payload: null })
  }
})

test('methods: a response without a rid, or with a status that is no number, closes', async () => {
  await using b = bench()
  for (const rest of ['200/', '200/?$rid=', 'ok/?$rid=1', '200', '/?$rid=1', '200/x/?$rid=1']) {
    const client = await connectRaw(b, pump)
    client.publish(`$iothub/methods/res/${rest}`)
    await client.closed()
    assert.match(b.ended.at(-1)?.reason ?? '', /a method response/, rest)
  }
})

test('methods: who did not subscribe, or no longer, is not called', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  await assert.rejects(b.hub.methods.invoke(pump, CALL), { code: 'DeviceNotOnline' })
  client.subscribe(METHOD_REQUESTS)
  await client.receive('suback')
  unsubscribe(client, METHOD_REQUESTS)
  await client.receive('unsuback')
  await assert.rejects(b.hub.methods.invoke(pump, CALL), { code: 'DeviceNotOnline' })
  await settled(client)
  assert.equal(client.packets.filter(({ cmd }) => cmd === 'publish').length, 0)
})

test('methods: a call that waits for the connection goes out once SUBACK is on its way', async () => {
  await using b = bench()
  await b.hub.keyOf(pump)
  const result = call(b.hub, pump, { connectTimeoutMs: 5000 })
  const client = await connectRaw(b, pump)
  client.subscribe(METHOD_REQUESTS)
  const [request] = await client.receive('publish')
  assert.deepEqual(
    client.packets.map(({ cmd }) => cmd),
    ['connack', 'suback', 'publish'],
  )
  const rid = REQUEST.exec(request?.topic ?? '')?.[1]
  client.publish(`$iothub/methods/res/200/?$rid=${rid}`, 'null')
  assert.deepEqual(await result, { status: 200, payload: null })
})

test('methods: a restored subscription takes calls without a SUBSCRIBE', async () => {
  await using b = bench()
  const first = await connectRaw(b, pump, { clean: false })
  first.subscribe(METHOD_REQUESTS)
  await first.receive('suback')
  first.stream.destroy()
  await until(() => b.hub.sessions.count === 0)
  const result = call(b.hub, pump, { connectTimeoutMs: 5000 })
  const second = await connectRaw(b, pump, { clean: false })
  const [request] = await second.receive('publish')
  const rid = REQUEST.exec(request?.topic ?? '')?.[1]
  second.publish(`$iothub/methods/res/200/?$rid=${rid}`, '1')
  assert.deepEqual(await result, { status: 200, payload: 1 })
})

test('methods: many calls at once are each answered with their own answer, in any order', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.subscribe(METHOD_REQUESTS)
  await client.receive('suback')
  const results = [1, 2, 3, 4, 5].map((payload) => call(b.hub, pump, { payload }))
  const requests = await client.receive('publish', 5)
  for (const { topic, payload } of requests.toReversed()) {
    const rid = REQUEST.exec(topic)?.[1]
    client.publish(`$iothub/methods/res/200/?$rid=${rid}`, payload)
  }
  assert.deepEqual(
    (await Promise.all(results)).map(({ payload }) => payload),
    [1, 2, 3, 4, 5],
  )
})

test('methods: a payload of 128 KiB goes both ways', async () => {
  await using hub = await startMqttHub()
  await using peer = await mqttSdk.connect(hub, pump)
  onMethod(peer, (request, response) => {
    void response.send(200, request.payload)
  })
  await until(() => hub.sessions.find(pump)?.takesMethods === true, 'the subscription')
  const payload = 'x'.repeat(128 * 1024 - 2)
  assert.deepEqual(await call(hub, pump, { payload }), { status: 200, payload })
})

async function call(hub: Hub, ref: DeviceRef, changes: Partial<MethodCall> = {}) {
  const { status, payload } = await hub.methods.invoke(ref, { ...CALL, ...changes })
  return { status, payload: JSON.parse(payload) as JsonValue }
}

type Handler = Parameters<Client['onDeviceMethod']>[1]

function onMethod({ client }: SdkClient, handler: Handler): void {
  if ('onDeviceMethod' in client) client.onDeviceMethod('reboot', handler)
  else client.onMethod('reboot', handler as Parameters<ModuleClient['onMethod']>[1])
}

function unsubscribe(client: RawClient, filter: string): void {
  client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: [filter] })
}
