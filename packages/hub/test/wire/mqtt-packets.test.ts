import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DESIRED_CHANGES, TWIN_RESPONSES } from '@twinward/protocol'
import type { Packet } from 'mqtt-packet'
import { MemoryEventLog } from '../../src/adapters/memory/event-log.ts'
import { until } from '../hub.ts'
import { agent, bench, EVENTS, pump, stillOpen } from '../mqtt-bench.ts'
import { connectPacket, connectRaw, publishPacket } from '../raw-mqtt.ts'

test('a second CONNECT, QoS 2, a foreign topic, a malformed packet: each closes, once logged', async () => {
  await using b = bench()
  const cases: readonly (readonly [RegExp, Packet | Buffer])[] = [
    [/type 1/, await connectPacket(b.hub, pump)],
    [/QoS 2/, { ...publishPacket(EVENTS, 'x', 1), qos: 2 } as Packet],
    [/PUBLISH to "a\/b"/, publishPacket('a/b', 'x')],
    [/PUBLISH to/, publishPacket('devices/pump-2/messages/events/', 'x')],
    [/PUBLISH to/, publishPacket('devices/pump-1/modules/agent/messages/events/', 'x')],
    [/PUBLISH to/, publishPacket('devices/pump-10/messages/events/', 'x')],
    [/PUBLISH to/, publishPacket('$iothub/methods/POST/x/?$rid=1', 'x')],
    [/\$rid/, publishPacket('$iothub/twin/GET/', '')],
    [/\$rid/, publishPacket('$iothub/twin/PATCH/properties/desired/?$rid=1', '{}')],
    [/length is malformed/, Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1])],
    [/malformed PUBLISH/, Buffer.from([0x30, 3, 0, 9, 65])],
    [/malformed PUBLISH/, Buffer.from([0x30, 4, 0, 2, 0xff, 0xfe])],
    [/malformed SUBSCRIBE/, Buffer.from([0x82, 2, 0, 1])],
    [/invalid flags/, Buffer.from([0x80, 2, 0, 1])],
    [/type 6/, Buffer.from([0x60, 2, 0, 1])],
    [/type 15/, Buffer.from([0xf0, 0])],
  ]
  for (const [reason, packet] of cases) {
    const client = await connectRaw(b, pump)
    client.send(packet)
    await client.closed()
    const lines = b.ended.splice(0)
    assert.equal(lines.length, 1, String(reason))
    assert.match(lines[0]?.reason ?? '', reason)
    assert.equal(lines[0]?.ref, 'pump-1')
  }
  assert.deepEqual(await b.hub.messages(), [])
})

test('a message of 256 KiB is accepted, one byte more closes', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.publish(EVENTS, Buffer.alloc(256 * 1024), 7)
  assert.deepEqual((await client.receive('puback')).map(idOf), [7])
  client.publish(EVENTS, Buffer.alloc(256 * 1024 + 1), 8)
  await client.closed()
  assert.equal((await b.hub.messages()).length, 1)
})

test('telemetry: a bag with escapes in either case, bare keys and system keys', async () => {
  await using b = bench()
  const client = await connectRaw(b, agent)
  const bag = '%24.ifid=urn%3aazureiot%3ASecurity%3ASecurityAgent%3A1&$.ce=application%2fjson&a'
  client.publish(`devices/pump-1/modules/agent/messages/events/${bag}&$.nonsense=1`, '{}', 1)
  await client.receive('puback')
  const [message] = await b.hub.messages('security')
  assert.deepEqual(message?.ref, agent)
  assert.deepEqual(message?.system, {
    interfaceId: 'urn:azureiot:Security:SecurityAgent:1',
    contentEncoding: 'application/json',
  })
  assert.deepEqual(message?.application, { a: null })
})

test('telemetry: retain becomes a property; a topic without final slash is accepted', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  const packet = publishPacket('devices/pump-1/messages/events', 'x', 1)
  client.send({ ...packet, retain: true } as Packet)
  await client.receive('puback')
  assert.deepEqual((await b.hub.messages())[0]?.application, { 'mqtt-retain': 'true' })
})

test('SUBSCRIBE: filters are granted one by one, at most QoS 1; unknown ones are 0x80', async () => {
  await using b = bench()
  const client = await connectRaw(b, agent)
  const topics = [
    TWIN_RESPONSES,
    DESIRED_CHANGES,
    '$iothub/methods/POST/#',
    'devices/pump-1/modules/agent/#',
    'devices/pump-1/modules/agent/inputs/#',
    'devices/pump-1/modules/agent/messages/devicebound/#',
    'devices/pump-1/messages/devicebound/#',
    'devices/pump-1/modules/other/#',
    '#',
  ]
  const subscriptions = topics.map((topic) => ({ topic, qos: 2 }))
  client.send({ cmd: 'subscribe', messageId: 9, subscriptions } as unknown as Packet)
  const [suback] = await client.receive('suback')
  assert.deepEqual(suback?.granted, [1, 1, 1, 1, 1, 1, 128, 128, 128])
})

function idOf({ messageId }: { messageId?: number | undefined }): number | undefined {
  return messageId
}

test('telemetry: acknowledged when it is durable, not before', async () => {
  const eventLog = new MemoryEventLog()
  const { append } = eventLog
  let commit = () => {}
  eventLog.append = async (...message) => {
    const sequence = await append.apply(eventLog, message)
    await new Promise<void>((resolve) => {
      commit = resolve
    })
    return sequence
  }
  await using b = bench({ eventLog })
  const client = await connectRaw(b, pump)
  client.publish(EVENTS, 'x', 1)
  await until(async () => (await b.hub.messages()).length === 1, 'the append')
  await stillOpen(client)
  assert.equal(client.packets.length, 1)
  commit()
  await client.receive('puback')
})

test('telemetry: what cannot be stored is not acknowledged and closes', async () => {
  const eventLog = new MemoryEventLog()
  eventLog.append = async () => {
    throw new Error('the disk is full')
  }
  await using b = bench({ eventLog })
  const client = await connectRaw(b, pump)
  client.publish(EVENTS, 'x', 1)
  await client.closed()
  assert.deepEqual(
    client.packets.map(({ cmd }) => cmd),
    ['connack'],
  )
  assert.equal(b.ended[0]?.reason, 'a message could not be stored')
})
