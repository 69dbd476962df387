import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DESIRED_CHANGES, TWIN_RESPONSES } from '@twinward/protocol'
import type { Packet } from 'mqtt-packet'
import { makeKey } from '../../src/registry/authentication.ts'
import { makeToken, until } from '../hub.ts'
import { agent, bench, EVENTS, pump, REPORTED, settled } from '../mqtt-bench.ts'
import { connectRaw, publishPacket } from '../raw-mqtt.ts'

// The rules of 03, clause by clause, that no other test of the gateway holds.

test('03 §5: each client topic is understood with and without its last slash', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.subscribe(TWIN_RESPONSES)
  client.publish('devices/pump-1/messages/events', 'a', 1)
  client.publish('devices/pump-1/messages/events/', 'b', 2)
  client.publish('devices/pump-1/messages/events/x=1/', 'c', 3)
  client.publish('$iothub/twin/GET/?$rid=1', ' ')
  client.publish('$iothub/twin/GET?$rid=2', '')
  client.publish(`${REPORTED}?$rid=3`, '{}')
  client.publish(`${REPORTED.slice(0, -1)}?$rid=4`, '{}')
  await client.receive('puback', 3)
  const answers = await client.receive('publish', 4)
  assert.deepEqual(
    answers.map(({ topic }) => topic.replace(/&.*/, '')),
    [
      '$iothub/twin/res/200/?$rid=1',
      '$iothub/twin/res/200/?$rid=2',
      '$iothub/twin/res/204/?$rid=3',
      '$iothub/twin/res/204/?$rid=4',
    ],
  )
  assert.deepEqual(
    (await b.hub.messages()).map(({ application }) => application),
    [{}, {}, { x: '1' }],
  )
})

test('03 §5: a device and a module publish on their own topics and on nobody else’s', async () => {
  await using b = bench()
  const foreign = [
    [pump, 'devices/pump-2/messages/events/'],
    [pump, 'devices/PUMP-1/messages/events/'],
    [pump, 'devices/pump-1/modules/agent/messages/events/'],
    [agent, 'devices/pump-1/messages/events/'],
    [agent, 'devices/pump-1/modules/other/messages/events/'],
    [agent, 'devices/pump-2/modules/agent/messages/events/'],
    [agent, 'devices/pump-1/modules/agent/inputs/a/'],
    [pump, 'devices/pump-1/messages/devicebound/'],
    [pump, 'devices/pump-1/messages/eventsx/'],
    [pump, '$iothub/twin/PATCH/properties/desired/?$version=1'],
    [pump, '$iothub/methods/POST/x/?$rid=1'],
    [pump, '$iothub/twin/res/200/?$rid=1'],
  ] as const
  for (const [ref, topic] of foreign) {
    const client = await connectRaw(b, ref)
    client.publish(topic, '{}', 1)
    await client.closed()
    assert.equal(client.packets.length, 1, topic)
  }
  assert.deepEqual(await b.hub.messages(), [])
})

test('03 §4: SUBSCRIBE grants what there is, up to QoS 1; UNSUBSCRIBE is acknowledged, whatever it names', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  const topics = [
    ...['devices/pump-1/messages/devicebound/#', TWIN_RESPONSES, DESIRED_CHANGES],
    ...['devices/pump-1/messages/events/#', 'devices/+/messages/devicebound/#', '#', '+/x', 'a b'],
    ...['devices/pump-2/messages/devicebound/#', '$iothub/twin/res/200', '$SYS/#', 'a/#/b'],
  ]
  const subscriptions = topics.map((topic) => ({ topic, qos: 2 }))
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions } as unknown as Packet)
  const [suback] = await client.receive('suback')
  assert.deepEqual(suback?.granted, [1, 1, 1, ...Array.from({ length: 9 }, () => 0x80)])
  client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: topics })
  assert.equal((await client.receive('unsuback'))[0]?.messageId, 2)
  client.publish('$iothub/twin/GET/?$rid=1', '', 3)
  await client.receive('puback')
  await settled(client)
  assert.equal(client.packets.filter(({ cmd }) => cmd === 'publish').length, 0)
})

test('03 §4: retained and repeated messages are accepted, not kept, and marked', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  const packet = publishPacket(EVENTS, 'x', 1)
  client.send({ ...packet, retain: true } as Packet)
  client.send({ ...packet, dup: true } as Packet)
  client.send({ ...publishPacket(EVENTS, 'x'), retain: true } as Packet)
  await client.receive('puback', 2)
  await until(async () => (await b.hub.messages()).length === 3)
  assert.deepEqual(
    (await b.hub.messages()).map(({ application }) => application),
    [{ 'mqtt-retain': 'true' }, { 'mqtt-dup': 'true' }, { 'mqtt-retain': 'true' }],
  )
})

test('03 §6: a property bag in every spelling that clients use', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  const bags: readonly (readonly [string, object, object])[] = [
    ['', {}, {}],
    ['?a=b', {}, { a: 'b' }],
    ['a=b&a=c', {}, { a: 'c' }],
    ['bare&empty=', {}, { bare: null, empty: '' }],
    ['plus=1+1&space=1%201', {}, { plus: '1+1', space: '1 1' }],
    ['equals=a=b', {}, { equals: 'a=b' }],
    ['slash=a/b', {}, { slash: 'a/b' }],
    ['lower=%c3%bc&upper=%C3%BC', {}, { lower: 'ü', upper: 'ü' }],
    ['broken=%zz&half=%', {}, { broken: '%zz', half: '%' }],
    ['$.mid=1&%24.cid=2&%24%2Euid=3', { messageId: '1', correlationId: '2', userId: '3' }, {}],
    ['$.to=%2Fa&$.exp=x', { to: '/a', expiryTimeUtc: 'x' }, {}],
    ['$.ct=text%2fplain&$.ce=utf-8', { contentType: 'text/plain', contentEncoding: 'utf-8' }, {}],
    ['%24.ctime=t&$.on=o', { creationTimeUtc: 't', outputName: 'o' }, {}],
    ['$.schema=s&$.sub=c', { messageSchema: 's', component: 'c' }, {}],
    ['$.ifid=urn:x', { interfaceId: 'urn:x' }, {}],
    ['$.cdid=spoofed&$.cmid=spoofed&$.unknown=1', {}, {}],
    ['iothub-MessageType=Will&iothub-operation=x', {}, {}],
    ['&&a=b&', {}, { a: 'b' }],
    ['__proto__=x', {}, JSON.parse('{"__proto__":"x"}')],
  ]
  for (const [index, [bag]] of bags.entries()) client.publish(`${EVENTS}${bag}`, '', index + 1)
  await client.receive('puback', bags.length)
  const messages = await b.hub.messages()
  for (const [index, [bag, system, application]] of bags.entries()) {
    assert.deepEqual(messages[index]?.system, system, bag)
    assert.deepEqual(messages[index]?.application, application, bag)
  }
})

test('03 §9: a will is marked like the message that it is', async () => {
  await using b = bench()
  const will = { topic: `${EVENTS}%24.mid=7&a=b`, payload: Buffer.from(''), qos: 0 as const }
  const client = await connectRaw(b, pump, { will: { ...will, retain: true } })
  b.clock.advance(100_000)
  await client.closed()
  await until(async () => (await b.hub.messages()).length === 1, 'the will')
  const [message] = await b.hub.messages()
  assert.deepEqual(message?.system, { messageId: '7' })
  assert.deepEqual(message?.application, {
    a: 'b',
    'mqtt-retain': 'true',
    'iothub-MessageType': 'Will',
  })
})

test('03 §9: the will of a connection that was taken over is sent, of one that may not speak it is not', async () => {
  await using b = bench()
  const will = { topic: EVENTS, payload: Buffer.from('x'), qos: 0 as const, retain: false }
  await connectRaw(b, pump, { will })
  const second = await connectRaw(b, pump, { will })
  await until(async () => (await b.hub.messages()).length === 1, 'the will')
  await b.hub.identities.update(pump, { status: 'disabled' }, '*')
  await second.closed()
  assert.equal((await b.hub.messages()).length, 1)
})

test('03 §11: who is removed, disabled, or had its key changed is out at once, its modules too', async () => {
  await using b = bench()
  const [primaryKey, secondaryKey] = [makeKey(), makeKey()]
  const keyed = { authentication: { symmetricKey: { primaryKey, secondaryKey } } }
  const ends: readonly (readonly [typeof pump, () => Promise<unknown>])[] = [
    [agent, () => b.hub.identities.remove(agent, '*')],
    [agent, () => b.hub.identities.remove(pump, '*')],
    [pump, () => b.hub.identities.remove(pump, '*')],
    [pump, () => b.hub.identities.update(pump, { ...keyed }, '*')],
    [pump, () => b.hub.identities.update(pump, { status: 'disabled' }, '*')],
    [agent, () => b.hub.identities.update(pump, { status: 'disabled' }, '*')],
  ]
  for (const [ref, end] of ends) {
    await b.hub.identities.remove(pump, '*').catch(() => {})
    await b.hub.keyOf(pump)
    const client = await connectRaw(b, ref)
    await end()
    await client.closed()
    assert.equal(b.hub.sessions.find(ref), undefined)
  }
})

test('03 §2.7: a device that renews its token by connecting again keeps its session', async () => {
  await using b = bench()
  const key = await b.hub.keyOf(pump)
  for (let round = 0; round < 4; round++) {
    const token = makeToken(key, pump, { expiresAtMs: b.clock.now() + 300_000 })
    const changes = { clean: false, keepalive: 0, password: Buffer.from(token) }
    const client = await connectRaw(b, pump, changes)
    assert.equal((await client.receive('connack'))[0]?.sessionPresent, round > 0)
    if (round === 0) {
      client.subscribe(DESIRED_CHANGES)
      await client.receive('suback')
    }
    await b.hub.twins.patch(pump, { desired: { round } })
    await client.receive('publish')
    b.clock.advance(602_000)
    await client.closed()
    assert.equal(b.ended.at(-1)?.reason, 'its token expired')
  }
})

test('03 §8: a GET and a patch are answered only to who subscribed to answers before', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.publish('$iothub/twin/GET/?$rid=1', '', 1)
  client.publish(`${REPORTED}?$rid=2`, '{"a":1}', 2)
  client.subscribe(TWIN_RESPONSES)
  client.publish('$iothub/twin/GET/?$rid=3', '', 3)
  const [answer, ...more] = await client.receive('publish')
  assert.equal(answer?.topic, '$iothub/twin/res/200/?$rid=3')
  assert.equal(more.length, 0)
  await settled(client)
  assert.equal((await client.receive('publish')).length, 1)
})
