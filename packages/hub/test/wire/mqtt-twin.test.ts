import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DESIRED_CHANGES, type DeviceRef, TWIN_RESPONSES } from '@twinward/protocol'
import { MemoryRegistry } from '../../src/adapters/memory/registry.ts'
import type { Entry } from '../../src/registry/registry.ts'
import { type TestHub, until } from '../hub.ts'
import { bench, pump, REPORTED, settled } from '../mqtt-bench.ts'
import { connectRaw, publishPacket } from '../raw-mqtt.ts'

test('twin: answers come in the order of the packets, and a GET sees the patch before it', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.subscribe(TWIN_RESPONSES)
  client.send(
    publishPacket(`${REPORTED}?$rid=a`, '{"n":1}', 1),
    publishPacket(`${REPORTED}?$rid=b`, '{"n":2}'),
    publishPacket('$iothub/twin/GET/?$rid=c', ' ', 2),
    publishPacket(`${REPORTED}?$rid=d`, '{"n":3}', 3),
    publishPacket('$iothub/twin/GET/?$rid=e', ''),
    { cmd: 'pingreq' },
  )
  await client.receive('pingresp')
  const seen = client.packets.slice(2).map((packet) => {
    if (packet.cmd === 'puback') return `ack ${packet.messageId}`
    if (packet.cmd !== 'publish') return packet.cmd
    return `${packet.topic.slice('$iothub/twin/res/'.length)} ${packet.payload}`
  })
  assert.deepEqual(seen, [
    'ack 1',
    '204/?$rid=a&$version=2 ',
    '204/?$rid=b&$version=3 ',
    'ack 2',
    '200/?$rid=c {"desired":{"$version":1},"reported":{"n":2,"$version":3}}',
    'ack 3',
    '204/?$rid=d&$version=4 ',
    '200/?$rid=e {"desired":{"$version":1},"reported":{"n":3,"$version":4}}',
    'pingresp',
  ])
})

test('twin: a patch that cannot be is answered with its error and changes nothing', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.subscribe(TWIN_RESPONSES)
  const bodies = ['', '{', '[]', '1', 'null', '"x"', '{"a b":1}', Buffer.from([0x22, 0xff, 0x22])]
  for (const body of bodies) client.publish(`${REPORTED}?$rid=r`, body)
  client.publish(`${REPORTED}?$rid=r&$version=x`, '{}')
  client.publish(`${REPORTED}?$rid=r&$version=7`, '{}')
  const answers = await client.receive('publish', bodies.length + 2)
  const errors = answers.map(({ topic, payload }) => {
    const { errorCode, message, trackingId, timestampUtc } = JSON.parse(String(payload))
    for (const text of [message, trackingId, timestampUtc]) assert.equal(typeof text, 'string')
    return `${topic} ${errorCode}`
  })
  const invalid = '$iothub/twin/res/400/?$rid=r 400004'
  assert.deepEqual(errors, [
    ...Array.from({ length: bodies.length + 1 }, () => invalid),
    '$iothub/twin/res/412/?$rid=r 412001',
  ])
  assert.equal((await b.hub.twins.get(pump)).twin.reported.version, 1)
})

test('twin: without api-version 400; without a subscription only the acknowledgement', async () => {
  await using b = bench()
  const old = await connectRaw(b, pump, { username: 'localhost/pump-1' })
  old.subscribe(TWIN_RESPONSES)
  old.publish('$iothub/twin/GET/?$rid=1')
  const [answer] = await old.receive('publish')
  assert.equal(answer?.topic, '$iothub/twin/res/400/?$rid=1')

  const silent = await connectRaw(b, pump)
  silent.publish(`${REPORTED}?$rid=1`, '{"a":1}', 5)
  silent.publish(`${REPORTED}?$rid=2`, '{', 6)
  silent.send({ cmd: 'pingreq' })
  await silent.receive('pingresp')
  assert.deepEqual(
    silent.packets.slice(1).map(({ cmd }) => cmd),
    ['puback', 'puback', 'pingresp'],
  )
  assert.deepEqual((await b.hub.twins.get(pump)).twin.reported.values, { a: 1 })
})

test('twin: a thousand patches in one go are all answered, in order', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.subscribe(TWIN_RESPONSES)
  const patches = Array.from({ length: 1000 }, (_, n) =>
    publishPacket(`${REPORTED}?$rid=${n}`, `{"n":${n}}`),
  )
  client.send(...patches)
  const answers = await client.receive('publish', 1000)
  assert.deepEqual(
    answers.map(({ topic }) => topic),
    answers.map((_, n) => `$iothub/twin/res/204/?$rid=${n}&$version=${n + 2}`),
  )
})

test('desired: changes come in order; a lost notice closes after a second', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.subscribe(DESIRED_CHANGES)
  await client.receive('suback')
  await b.hub.twins.patch(pump, { desired: { a: 1, $metadata: { x: 1 } } })
  tell(b.hub, 4)
  tell(b.hub, 3)
  const changes = await client.receive('publish', 3)
  assert.deepEqual(
    changes.map(({ topic, payload }) => `${topic} ${payload}`),
    [
      '$iothub/twin/PATCH/properties/desired/?$version=2 {"a":1,"$version":2}',
      '$iothub/twin/PATCH/properties/desired/?$version=3 {"n":3,"$version":3}',
      '$iothub/twin/PATCH/properties/desired/?$version=4 {"n":4,"$version":4}',
    ],
  )
  tell(b.hub, 6)
  await settled(client)
  b.clock.advance(999)
  await settled(client)
  b.clock.advance(1)
  await client.closed()
  assert.match(b.ended[0]?.reason ?? '', /version 5 .* missing/)
})

test('desired: what a GET showed is not told again, what came after it is', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  await b.hub.twins.patch(pump, { desired: { a: 1 } })
  client.subscribe(DESIRED_CHANGES, TWIN_RESPONSES)
  client.publish('$iothub/twin/GET/?$rid=1')
  await client.receive('publish')
  tell(b.hub, 1)
  tell(b.hub, 2)
  tell(b.hub, 3)
  const [, change, ...more] = await client.receive('publish', 2)
  assert.equal(change?.topic, '$iothub/twin/PATCH/properties/desired/?$version=3')
  assert.equal(more.length, 0)
})

function tell(hub: TestHub, version: number): void {
  hub.bus.publish({ kind: 'desired-changed', ref: pump, patch: { n: version }, version })
}

test('twin: patches do not wait for each other; each is answered when it is durable', async () => {
  const registry = new SlowRegistry()
  await using b = bench({ registry })
  const client = await connectRaw(b, pump)
  client.subscribe(TWIN_RESPONSES)
  await client.receive('suback')
  registry.isSlow = true
  for (const id of [1, 2, 3]) client.publish(`${REPORTED}?$rid=${id}`, `{"n":${id}}`, id)
  client.publish('$iothub/twin/GET/?$rid=4')
  await until(() => registry.waiting.length === 3, 'three patches under way')
  assert.equal(client.packets.length, 2)
  registry.commit()
  await until(() => client.packets.length === 2 + 3 + 3 + 1, 'all answers')
  const answer = client.packets.at(-1)
  assert.match(answer?.cmd === 'publish' ? String(answer.payload) : '', /"reported":\{"n":3/)
})

/** Changes at once, and says so only when the test lets it. */
class SlowRegistry extends MemoryRegistry {
  isSlow = false
  readonly waiting: (() => void)[] = []

  override async change(ref: DeviceRef, decide: (entry: Entry) => Entry) {
    const entry = await super.change(ref, decide)
    if (this.isSlow) await new Promise<void>((resolve) => this.waiting.push(resolve))
    return entry
  }

  commit(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}
