import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DeviceRef, SECURITY_INTERFACE_ID, telemetryTopic } from '@twinward/protocol'
import { encodeMessage } from '../../src/gateways/amqp/wire/message.ts'
import { CODE, compositeOf } from '../../src/gateways/amqp/wire/performatives.ts'
import { symbolMap, uint } from '../../src/gateways/amqp/wire/values.ts'
import { MqttGateway } from '../../src/gateways/mqtt/server.ts'
import { makeHub, makeToken, type TestHubOptions, until } from '../hub.ts'
import { amqpBench } from '../raw-amqp.ts'
import { connectPacket, connectRaw, openRaw } from '../raw-mqtt.ts'

// What a session of a security module may do (security 07 §6, A2), and how each protocol refuses the
// rest.

const guard: Required<DeviceRef> = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
const app: Required<DeviceRef> = { deviceId: 'pump-1', moduleId: 'app' }
const below = `devices/${guard.deviceId}/modules/${guard.moduleId}`
const OWN_TWIN = ['$iothub/twin/res/#', '$iothub/twin/PATCH/properties/desired/#']
const FOREIGN = [
  '$iothub/methods/POST/#',
  `${below}/messages/devicebound/#`,
  `${below}/inputs/#`,
  `${below}/#`,
]
const marked = `${telemetryTopic(guard)}%24.ifid=${encodeURIComponent(SECURITY_INTERFACE_ID)}`

function mqttTarget(options: TestHubOptions = {}) {
  const hub = makeHub(options)
  return { hub, gateway: new MqttGateway(hub) }
}

test('mqtt: one SUBSCRIBE with all filters: its own twin is granted, the rest 0x80', async () => {
  const target = mqttTarget()
  const client = await connectRaw(target, guard)
  client.subscribe(...OWN_TWIN, ...FOREIGN)
  const [suback] = await client.receive('suback')
  assert.deepEqual(suback?.granted, [0, 0, 0x80, 0x80, 0x80, 0x80])
  client.publish('$iothub/twin/GET/?$rid=1')
  client.publish('$iothub/twin/PATCH/properties/reported/?$rid=2', '{"latest_state":"success"}')
  client.publish(marked, '{}', 7)
  await client.receive('publish', 2)
  const [puback] = await client.receive('puback')
  assert.equal(puback?.messageId, 7)
  assert.equal((await target.hub.messages('security')).length, 1)
  assert.equal(target.hub.permissions.refusedCount, FOREIGN.length)
  assert.equal(target.hub.sessions.find(guard)?.takesMethods, false)
})

test('mqtt: telemetry or a method response ends the connection, nothing is stored', async () => {
  for (const topic of [
    telemetryTopic(guard),
    `${telemetryTopic(guard)}%24.ifid=urn%3Aelse`,
    '$iothub/methods/res/200/?$rid=1',
  ]) {
    const target = mqttTarget()
    const client = await connectRaw(target, guard)
    client.publish(topic, '{}', 7)
    await client.closed()
    assert.deepEqual(await target.hub.messages(), [], topic)
    assert.equal(client.packets.filter(({ cmd }) => cmd === 'puback').length, 0)
  }
})

test('mqtt 5: each refusal says "not authorized", and the session goes on', async () => {
  const target = mqttTarget()
  const client = await connectRaw(target, guard, { protocolVersion: 5 })
  client.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: FOREIGN.map((topic) => ({ topic, qos: 0 })),
  } as never)
  const [suback] = await client.receive('suback')
  assert.deepEqual(suback?.granted, [0x87, 0x87, 0x87, 0x87])
  client.publish(telemetryTopic(guard), '{}', 7)
  const [refused] = await client.receive('puback')
  assert.equal(refused?.reasonCode, 0x87)
  client.publish('$iothub/methods/res/200/?$rid=1', '{}', 8)
  assert.equal((await client.receive('puback', 2))[1]?.reasonCode, 0x87)
  client.publish(marked, '{}', 9)
  assert.notEqual((await client.receive('puback', 3))[2]?.reasonCode, 0x87)
  assert.equal(client.isClosed, false)
})

test('mqtt: a will that is no security message is refused with the connection', async () => {
  const target = mqttTarget()
  const will = (topic: string) => ({
    will: { topic, payload: Buffer.from('{}'), qos: 0 as const, retain: false },
  })
  const refused = openRaw(target)
  refused.send(await connectPacket(target.hub, guard, will(telemetryTopic(guard))))
  await refused.closed()
  const client = await connectRaw(target, guard, will(marked))
  client.stream.destroy()
  await until(async () => (await target.hub.messages('security')).length === 1, 'the will')
})

test('mqtt: what a kept session was subscribed to before is not given back to it', async () => {
  const target = mqttTarget({ securityModuleAccess: 'full' })
  const client = await connectRaw(target, guard, { clean: false })
  client.subscribe(...OWN_TWIN, ...FOREIGN)
  assert.deepEqual((await client.receive('suback'))[0]?.granted, [0, 0, 0, 0, 0, 0])
  client.stream.destroy()
  const { registry } = target.hub
  const restricted = mqttTarget({ registry })
  const again = await connectRaw(restricted, guard, { clean: false })
  assert.equal(again.packets[0]?.cmd === 'connack' && again.packets[0].sessionPresent, true)
  const session = restricted.hub.sessions.find(guard)
  assert.equal(session?.takesMethods, false)
  await restricted.hub.cloudMessages.send(guard, {
    system: {},
    ack: 'none',
    application: {},
    body: Buffer.from('x'),
  })
  again.send({ cmd: 'pingreq' })
  await again.receive('pingresp')
  assert.equal(again.packets.filter(({ cmd }) => cmd === 'publish').length, 0)
})

test('with access full, and for other modules, everything is as on IoT Hub', async () => {
  for (const [ref, securityModuleAccess] of [
    [guard, 'full'],
    [app, 'restricted'],
  ] as const) {
    const target = mqttTarget({ securityModuleAccess })
    const client = await connectRaw(target, ref)
    client.subscribe('$iothub/methods/POST/#')
    assert.deepEqual((await client.receive('suback'))[0]?.granted, [0])
    client.publish(telemetryTopic(ref), '{}', 7)
    await client.receive('puback')
    assert.equal((await target.hub.messages()).length, 1)
  }
})

const LINKS = [
  ['methods/devicebound', false],
  ['methods/devicebound', true],
  ['messages/devicebound', true],
  ['messages/events', true],
] as const

test('amqp: links for methods, cloud-to-device messages and inputs are detached', async () => {
  await using bench = amqpBench()
  const token = makeToken(await bench.hub.keyOf(guard), guard, {
    expiresAtMs: bench.clock.now() + 3600_000,
  })
  const peer = bench
    .connect()
    .plain(`${guard.deviceId}/modules/${guard.moduleId}@sas.localhost`, token)
  await peer.got(CODE.begin)
  for (const [index, [path, isReceiver]] of LINKS.entries()) {
    peer.attach(index, `/${below}/${path}`, isReceiver)
    assert.equal(await peer.condition(CODE.detach, index), 'amqp:unauthorized-access', path)
  }
  peer.attach(10, `/${below}/twin`).attach(11, `/${below}/twin`, true)
  await until(() => peer.received.filter(({ code }) => code === CODE.attach).length >= 6, 'twin')
  assert.equal(peer.received.filter(({ code }) => code === CODE.detach).length, LINKS.length)
})

test('amqp: telemetry is rejected, message by message; a security message is accepted', async () => {
  await using bench = amqpBench()
  const token = makeToken(await bench.hub.keyOf(guard), guard, {
    expiresAtMs: bench.clock.now() + 3600_000,
  })
  const peer = bench
    .connect()
    .plain(`${guard.deviceId}/modules/${guard.moduleId}@sas.localhost`, token)
  peer.attach(0, `/${below}/messages/events`)
  await peer.got(CODE.flow)
  const send = (id: number, payload: Buffer) =>
    peer.transfer([uint(0), uint(id), Buffer.from([id]), uint(0), false], payload)
  send(0, encodeMessage({ body: Buffer.from('{}') }))
  const rejected = await peer.got(CODE.disposition)
  assert.equal(compositeOf(rejected.at(4))?.code, CODE.rejected)
  const annotations = symbolMap({ 'iothub-interface-id': SECURITY_INTERFACE_ID })
  send(1, encodeMessage({ annotations, body: Buffer.from('{}') }))
  const accepted = await peer.got(CODE.disposition, 1)
  assert.equal(compositeOf(accepted.at(4))?.code, CODE.accepted)
  assert.equal((await bench.hub.messages('security')).length, 1)
  assert.deepEqual(await bench.hub.messages(), [])
})
