import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CloudMessage,
  DESIRED_CHANGES,
  METHOD_REQUESTS,
  TWIN_RESPONSES,
} from '@twinward/protocol'
import type { Packet } from 'mqtt-packet'
import { MemoryEventLog } from '../../src/adapters/memory/event-log.ts'
import { until } from '../hub.ts'
import { connect5 } from '../mqtt-5.ts'
import { agent, bench, EVENTS, pump, REPORTED, settled } from '../mqtt-bench.ts'
import { connectRaw, publishPacket } from '../raw-mqtt.ts'

const C2D = 'devices/pump-1/messages/devicebound/#'

test('mqtt 5 telemetry: user properties count like the bag, the others find their names', async () => {
  await using b = bench()
  const client = await connect5(b)
  client.send({
    ...publishPacket(`${EVENTS}%24.mid=7&colour=red&size=1`, 'x', 1),
    properties: {
      userProperties: { colour: 'blue', '$.cid': 'ignored', taste: ['a', 'b'] },
      contentType: 'application/json',
      payloadFormatIndicator: true,
      correlationData: Buffer.from('c-1'),
      responseTopic: 'reply/here',
      messageExpiryInterval: 60,
    },
  } as Packet)
  const [puback] = await client.receive('puback')
  assert.equal(puback?.reasonCode ?? 0, 0)
  const [message] = await b.hub.messages()
  assert.deepEqual(message?.system, {
    messageId: '7',
    correlationId: 'c-1',
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    expiryTimeUtc: new Date(b.clock.now() + 60_000).toISOString(),
  })
  assert.deepEqual(message?.application, {
    colour: 'blue',
    size: '1',
    taste: 'b',
    'mqtt-response-topic': 'reply/here',
  })
})

test('mqtt 5 telemetry: what is refused gets a PUBACK with a reason, and the connection goes on', async () => {
  const eventLog = new MemoryEventLog()
  await using b = bench({ eventLog })
  const client = await connect5(b)
  client.publish(EVENTS, Buffer.alloc(256 * 1024 + 1), 1)
  client.publish('a/b', 'x', 2)
  client.publish('devices/pump-2/messages/events/', 'x', 3)
  client.publish('$iothub/twin/GET/', '', 4)
  client.publish('$iothub/methods/res/200/', '', 5)
  client.publish(EVENTS, 'x', 6)
  await client.receive('puback', 6)
  eventLog.append = async () => {
    throw new Error('the disk is full')
  }
  client.publish(EVENTS, 'x', 7)
  const acks = await client.receive('puback', 7)
  assert.deepEqual(
    acks.map(({ messageId, reasonCode = 0 }) => [messageId, reasonCode]),
    [
      [1, 0x97],
      [2, 0x90],
      [3, 0x90],
      [4, 0x90],
      [5, 0x90],
      [6, 0],
      [7, 0x80],
    ],
  )
  assert.match(acks[0]?.properties?.reasonString ?? '', /262144 bytes/)
  assert.equal((await b.hub.messages()).length, 1)
  await settled(client)
})

test('mqtt 5: a client that wants no texts gets none', async () => {
  await using b = bench()
  const client = await connect5(b, { properties: { requestProblemInformation: false } })
  client.publish('a/b', 'x', 1)
  const [puback] = await client.receive('puback')
  assert.equal(puback?.reasonCode, 0x90)
  assert.equal(puback?.properties, undefined)
})

test('mqtt 5 SUBSCRIBE and UNSUBSCRIBE: a reason for each filter', async () => {
  await using b = bench()
  const client = await connect5(b)
  const topics = [TWIN_RESPONSES, 'a/b', '$share/g/$iothub/twin/res/#', METHOD_REQUESTS]
  const subscriptions = topics.map((topic) => ({ topic, qos: 2, nl: true, rap: true, rh: 2 }))
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions } as unknown as Packet)
  const [suback] = await client.receive('suback')
  assert.deepEqual(suback?.granted, [1, 0x8f, 0x9e, 1])
  client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [...topics, DESIRED_CHANGES] })
  const [unsuback] = await client.receive('unsuback')
  assert.deepEqual(unsuback?.granted, [0, 0x11, 0x11, 0, 0x11])
})

test('mqtt 5: twins and methods are as in 3.1.1', async () => {
  await using b = bench()
  const client = await connect5(b)
  client.subscribe(TWIN_RESPONSES, DESIRED_CHANGES, METHOD_REQUESTS)
  client.publish(`${REPORTED}?$rid=1`, '{"a":1}', 1)
  client.publish('$iothub/twin/GET/?$rid=2')
  await b.hub.twins.patch(pump, { desired: { b: 1 } })
  const messages = await client.receive('publish', 3)
  assert.deepEqual(messages.map(({ topic }) => topic).sort(), [
    '$iothub/twin/PATCH/properties/desired/?$version=2',
    '$iothub/twin/res/200/?$rid=2',
    '$iothub/twin/res/204/?$rid=1&$version=2',
  ])
  const call = { name: 'm', payload: 1, responseTimeoutMs: 5000, connectTimeoutMs: 0 }
  const result = b.hub.methods.invoke(pump, call)
  const request = (await client.receive('publish', 4))[3]
  client.publish(String(request?.topic.replace('POST/m', 'res/200')), '2')
  assert.deepEqual(await result, { status: 200, payload: '2' })
})

test('mqtt 5 c2d: bag and properties say the same; the window is what the client takes', async () => {
  await using b = bench()
  const client = await connect5(b, { properties: { receiveMaximum: 2 } })
  client.subscribeAt(1, C2D)
  await client.receive('suback')
  for (const text of ['a', 'b', 'c']) {
    await b.hub.cloudMessages.send(pump, {
      ...message(text),
      system: { contentType: 'text/plain', correlationId: 'c-1' },
      application: { colour: 'red', flag: null },
    })
  }
  await client.receive('publish', 2)
  await settled(client)
  const [first, second, ...more] = await client.receive('publish', 2)
  assert.equal(more.length, 0)
  assert.match(first?.topic ?? '', /%24\.ct=text%2Fplain&colour=red&flag$/)
  assert.equal(first?.properties?.contentType, 'text/plain')
  assert.equal(String(first?.properties?.correlationData), 'c-1')
  assert.deepEqual({ ...first?.properties?.userProperties }, { colour: 'red', flag: '' })
  assert.equal(first?.properties?.messageExpiryInterval, 3600)
  // The first is completed, the second refused: both make room.
  client.send({ cmd: 'puback', messageId: first?.messageId ?? 0 })
  client.send({ cmd: 'puback', messageId: second?.messageId ?? 0, reasonCode: 0x99 } as Packet)
  const third = (await client.receive('publish', 3))[2]
  assert.equal(String(third?.payload), 'c')
  client.send({ cmd: 'puback', messageId: third?.messageId ?? 0 })
  await until(async () => (await b.hub.cloudMessages.count(pump)) === 0)
})

test('mqtt 5: no packet is larger than the client takes', async () => {
  await using b = bench()
  const client = await connect5(b, { properties: { maximumPacketSize: 2000 } })
  client.subscribeAt(1, C2D, TWIN_RESPONSES, DESIRED_CHANGES)
  await client.receive('suback')
  await b.hub.cloudMessages.send(pump, message('x'.repeat(2000)))
  await b.hub.cloudMessages.send(pump, message('small'))
  await b.hub.twins.patch(pump, { desired: { a: 'x'.repeat(2000) } })
  client.publish('$iothub/twin/GET/?$rid=1')
  const messages = await client.receive('publish', 2)
  assert.ok(messages.some(({ payload }) => String(payload) === 'small'))
  assert.ok(messages.some(({ topic }) => topic === '$iothub/twin/res/413/?$rid=1'))
  await settled(client)
  assert.equal((await client.receive('publish', 2)).length, 2)
})

test('mqtt 5: a module connects like a device', async () => {
  await using b = bench()
  const client = await connectRaw(b, agent, { protocolVersion: 5 })
  client.publish('devices/pump-1/modules/agent/messages/events/', 'x', 1)
  await client.receive('puback')
  assert.deepEqual((await b.hub.messages())[0]?.ref, agent)
})

function message(text: string): CloudMessage {
  return { system: {}, ack: 'none', application: {}, body: Buffer.from(text) }
}
