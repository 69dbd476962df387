import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CloudMessage, DeviceRef } from '@twinward/protocol'
import { MAX_UNSETTLED } from '../../src/gateways/mqtt/cloud-delivery.ts'
import { MESSAGE_LOCK_MS } from '../../src/messages/cloud-messages.ts'
import { until } from '../hub.ts'
import { agent, type Bench, bench, EVENTS, pump, settled } from '../mqtt-bench.ts'
import { connectRaw, type RawClient } from '../raw-mqtt.ts'

const FILTER = 'devices/pump-1/messages/devicebound/#'
const MODULE_FILTERS = [
  'devices/pump-1/modules/agent/#',
  'devices/pump-1/modules/agent/messages/devicebound/#',
]

test('c2d: a message comes with the properties of its sender, the system ones percent-encoded', async () => {
  await using b = bench()
  const client = await listen(b, pump, 1)
  await b.hub.cloudMessages.send(pump, {
    ...message('hello'),
    system: { messageId: '2f1c', correlationId: 'a+b', userId: 'me', contentType: 'text/plain' },
    ack: 'full',
    application: { colour: 'red & blue', empty: '', flag: null },
  })
  const [delivery] = await client.receive('publish')
  assert.equal(
    delivery?.topic,
    'devices/pump-1/messages/devicebound/%24.mid=2f1c&%24.cid=a%2Bb&%24.uid=me' +
      '&%24.to=%2Fdevices%2Fpump-1%2Fmessages%2FdeviceBound&%24.ct=text%2Fplain' +
      '&iothub-ack=full&colour=red%20%26%20blue&empty=&flag',
  )
  assert.equal(String(delivery?.payload), 'hello')
  assert.deepEqual([delivery?.qos, delivery?.dup, delivery?.retain], [1, false, false])
})

for (const filter of MODULE_FILTERS) {
  test(`c2d: a module gets its own messages under ${filter}`, async () => {
    await using b = bench()
    const client = await listen(b, agent, 1, filter)
    await b.hub.keyOf(pump)
    await b.hub.cloudMessages.send(pump, message('for the device'))
    await b.hub.cloudMessages.send(agent, message('for the module'))
    const [delivery, ...more] = await client.receive('publish')
    assert.match(
      delivery?.topic ?? '',
      /^devices\/pump-1\/modules\/agent\/messages\/devicebound\/.*%24\.to=%2Fdevices%2Fpump-1%2Fmodules%2Fagent%2Fmessages%2FdeviceBound/,
    )
    assert.equal(more.length, 0)
    client.send({ cmd: 'puback', messageId: delivery?.messageId ?? 0 })
    await until(async () => (await b.hub.cloudMessages.count(agent)) === 0)
    assert.equal(await b.hub.cloudMessages.count(pump), 1)
  })
}

test('c2d: a module that listens to its inputs alone gets none: there is nobody who routes to them', async () => {
  await using b = bench()
  const client = await listen(b, agent, 1, 'devices/pump-1/modules/agent/inputs/#')
  await b.hub.cloudMessages.send(agent, message('x'))
  await settled(client)
  assert.equal(await b.hub.cloudMessages.count(agent), 1)
  assert.equal(client.packets.filter(({ cmd }) => cmd === 'publish').length, 0)
})

test('c2d: PUBACK completes a message; until then it is kept, and a second PUBACK says nothing', async () => {
  await using b = bench()
  const client = await listen(b, pump, 1)
  await b.hub.cloudMessages.send(pump, message('x'))
  const [delivery] = await client.receive('publish')
  await settled(client)
  assert.equal(await b.hub.cloudMessages.count(pump), 1)
  const messageId = delivery?.messageId ?? 0
  client.send({ cmd: 'puback', messageId }, { cmd: 'puback', messageId })
  client.send({ cmd: 'puback', messageId: 999 })
  await until(async () => (await b.hub.cloudMessages.count(pump)) === 0)
  await settled(client)
})

test('c2d: at QoS 0 a message is complete once it is written', async () => {
  await using b = bench()
  const client = await listen(b, pump, 0)
  await b.hub.cloudMessages.send(pump, message('x'))
  const [delivery] = await client.receive('publish')
  assert.equal(delivery?.qos, 0)
  await until(async () => (await b.hub.cloudMessages.count(pump)) === 0)
})

test('c2d: messages come in order, as many at once as the window holds, each with an id of its own', async () => {
  await using b = bench()
  await b.hub.keyOf(pump)
  for (let n = 0; n < 40; n++) await b.hub.cloudMessages.send(pump, message(String(n)))
  const client = await listen(b, pump, 1)
  await client.receive('publish', MAX_UNSETTLED)
  await settled(client)
  const window = await client.receive('publish', MAX_UNSETTLED)
  assert.equal(window.length, MAX_UNSETTLED)
  assert.equal(new Set(window.map(({ messageId }) => messageId)).size, MAX_UNSETTLED)
  for (let n = 0; n < 40; n++) {
    const delivery = (await client.receive('publish', n + 1))[n]
    assert.equal(String(delivery?.payload), String(n))
    client.send({ cmd: 'puback', messageId: delivery?.messageId ?? 0 })
  }
  await until(async () => (await b.hub.cloudMessages.count(pump)) === 0)
})

test('c2d: what waits goes out when the device subscribes, and after a reconnect that restores it', async () => {
  await using b = bench()
  await b.hub.keyOf(pump)
  await b.hub.cloudMessages.send(pump, message('first'))
  const first = await listen(b, pump, 1, FILTER, { clean: false })
  const [delivery] = await first.receive('publish')
  first.send({ cmd: 'puback', messageId: delivery?.messageId ?? 0 })
  await until(async () => (await b.hub.cloudMessages.count(pump)) === 0)
  first.send({ cmd: 'disconnect' })
  await until(() => b.hub.sessions.count === 0)
  await b.hub.cloudMessages.send(pump, message('second'))
  const second = await connectRaw(b, pump, { clean: false })
  const [restored] = await second.receive('publish')
  assert.equal(String(restored?.payload), 'second')
})

test('c2d: what a lost connection left unacknowledged is delivered to the next one at once', async () => {
  await using b = bench()
  const first = await listen(b, pump, 1)
  await b.hub.cloudMessages.send(pump, message('a'))
  await b.hub.cloudMessages.send(pump, message('b'))
  await first.receive('publish', 2)
  const second = await listen(b, pump, 1)
  const again = await second.receive('publish', 2)
  assert.deepEqual(
    again.map(({ payload }) => String(payload)),
    ['a', 'b'],
  )
  await first.closed()
})

test('c2d: a message that is not acknowledged comes again after its lock, as a duplicate with its id', async () => {
  await using b = bench()
  const client = await listen(b, pump, 1, FILTER, { keepalive: 1000 })
  await b.hub.cloudMessages.send(pump, message('a'))
  const [first] = await client.receive('publish')
  b.clock.advance(MESSAGE_LOCK_MS - 1000)
  await settled(client)
  assert.equal((await client.receive('publish')).length, 1)
  b.clock.advance(4000)
  const [, again] = await client.receive('publish', 2)
  assert.equal(again?.dup, true)
  assert.equal(again?.messageId, first?.messageId)
  assert.equal(String(again?.payload), 'a')
  client.send({ cmd: 'puback', messageId: again?.messageId ?? 0 })
  await until(async () => (await b.hub.cloudMessages.count(pump)) === 0)
})

test('c2d: after UNSUBSCRIBE nothing new comes, and what had come may still be acknowledged', async () => {
  await using b = bench()
  const client = await listen(b, pump, 1)
  await b.hub.cloudMessages.send(pump, message('a'))
  const [delivery] = await client.receive('publish')
  client.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: [FILTER] })
  await client.receive('unsuback')
  await b.hub.cloudMessages.send(pump, message('b'))
  client.send({ cmd: 'puback', messageId: delivery?.messageId ?? 0 })
  await until(async () => (await b.hub.cloudMessages.count(pump)) === 1)
  await settled(client)
  assert.equal((await client.receive('publish')).length, 1)
})

test('c2d: a reader that is silent or slow holds a bounded part of its queue and nobody else', async () => {
  await using b = bench()
  const slow = await listen(b, pump, 0)
  const other = await connectRaw(b, agent)
  slow.stream.pause()
  const body = Buffer.alloc(60 * 1024, 'x')
  for (let n = 0; n < 50; n++) {
    await b.hub.cloudMessages.send(pump, { ...message(''), body })
    await settled(other)
  }
  assert.ok((await b.hub.cloudMessages.count(pump)) > 20, 'most of it waits in its queue')
  slow.stream.resume()
  await slow.receive('publish', 50)
  await until(async () => (await b.hub.cloudMessages.count(pump)) === 0)
})

test('c2d: a message whose properties fit into no topic is refused, and the next one comes', async () => {
  await using b = bench()
  const client = await listen(b, pump, 1)
  const tooLong = { a: '&'.repeat(30_000) }
  await b.hub.cloudMessages.send(pump, { ...message('too long'), application: tooLong })
  await b.hub.cloudMessages.send(pump, message('next'))
  const [delivery] = await client.receive('publish')
  assert.equal(String(delivery?.payload), 'next')
  client.send({ cmd: 'puback', messageId: delivery?.messageId ?? 0 })
  await until(async () => (await b.hub.cloudMessages.count(pump)) === 0)
})

test('c2d: a client that sends and receives at once sees its own acknowledgements in order', async () => {
  await using b = bench()
  const client = await listen(b, pump, 1)
  for (let n = 1; n <= 20; n++) {
    client.publish(EVENTS, String(n), n)
    await b.hub.cloudMessages.send(pump, message(String(n)))
  }
  const acks = await client.receive('puback', 20)
  assert.deepEqual(
    acks.map(({ messageId }) => messageId),
    Array.from({ length: 20 }, (_, n) => n + 1),
  )
})

async function listen(
  b: Bench,
  ref: DeviceRef,
  qos: 0 | 1,
  filter = FILTER,
  changes: Parameters<typeof connectRaw>[2] = {},
): Promise<RawClient> {
  const client = await connectRaw(b, ref, changes)
  client.subscribeAt(qos, filter)
  await client.receive('suback')
  return client
}

function message(text: string): CloudMessage {
  return { system: {}, ack: 'none', application: {}, body: Buffer.from(text) }
}
