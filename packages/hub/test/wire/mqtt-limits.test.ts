import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DESIRED_CHANGES, TWIN_RESPONSES } from '@twinward/protocol'
import { MAX_CONNECT_BYTES, MAX_PACKET_BYTES } from '../../src/gateways/mqtt/limits.ts'
import { MAX_SILENCE_MS } from '../../src/gateways/mqtt/session.ts'
import { makeToken, until } from '../hub.ts'
import { agent, bench, EVENTS, pump, settled, stillOpen } from '../mqtt-bench.ts'
import { connectRaw, openRaw, publishPacket } from '../raw-mqtt.ts'

test('a packet that is too large closes at its header, before its payload', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.send(header(0x30, MAX_PACKET_BYTES + 1))
  await client.closed()
  const stranger = openRaw(b)
  stranger.send(header(0x10, MAX_CONNECT_BYTES + 1))
  await stranger.closed()
  assert.deepEqual(
    b.ended.map(({ reason }) => reason),
    ['a packet is too large'],
  )
})

test('a stranger that sends something else than CONNECT is closed at its first byte', async () => {
  await using b = bench()
  const client = openRaw(b)
  client.send(Buffer.from('G'))
  await client.closed()
})

test('keep-alive: 1.5 times the interval without a packet closes, a ping before that does not', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump, { keepalive: 60 })
  for (let round = 0; round < 3; round++) {
    b.clock.advance(89_000)
    client.send({ cmd: 'pingreq' })
    await client.receive('pingresp', round + 1)
  }
  b.clock.advance(90_000)
  await stillOpen(client)
  b.clock.advance(2_000)
  await client.closed()
  assert.equal(b.ended[0]?.reason, 'keep-alive ran out')
})

test('keep-alive: 0 means the longest silence that IoT Hub allows', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump, { keepalive: 0 })
  b.clock.advance(MAX_SILENCE_MS)
  await stillOpen(client)
  b.clock.advance(2_000)
  await client.closed()
})

test('a connection without CONNECT ends after 30 s', async () => {
  await using b = bench()
  const client = openRaw(b)
  client.send(Buffer.from([0x10]))
  b.clock.advance(29_000)
  await stillOpen(client)
  b.clock.advance(3_000)
  await client.closed()
})

test('a token that expires ends its connection, and the device comes back with a new one', async () => {
  await using b = bench()
  const key = await b.hub.keyOf(pump)
  const password = () => Buffer.from(makeToken(key, pump, { expiresAtMs: b.clock.now() + 60_000 }))
  const client = await connectRaw(b, pump, { keepalive: 1000, password: password() })
  b.clock.advance(60_000 + 299_000)
  await settled(client)
  b.clock.advance(2_000)
  await client.closed()
  assert.equal(b.ended[0]?.reason, 'its token expired')
  await connectRaw(b, pump, { password: password() })
})

test('a connection over the limit is closed and the others stay', async () => {
  await using b = bench({ maxConnections: 2 })
  const first = await connectRaw(b, pump)
  const second = await connectRaw(b, agent)
  await openRaw(b).closed()
  await settled(first)
  second.send({ cmd: 'disconnect' })
  await until(() => b.gateway.connectionCount === 1)
  await connectRaw(b, agent)
})

test('a peer that does not read is closed once too much waits for it', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.subscribe(DESIRED_CHANGES)
  await client.receive('suback')
  client.stream.pause()
  const text = 'x'.repeat(4000)
  for (let version = 2; version < 2000 && b.ended.length === 0; version++) {
    const patch = { a: text, b: text, c: text, d: text }
    b.hub.bus.publish({ kind: 'desired-changed', ref: pump, patch, version })
    await new Promise(setImmediate)
  }
  assert.equal(b.ended[0]?.reason, 'the peer does not read')
})

test('a peer that asks without reading is not read from, and is served when it reads again', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.subscribe(TWIN_RESPONSES)
  await client.receive('suback')
  const texts = Object.fromEntries('abcdef'.split('').map((name) => [name, 'x'.repeat(4000)]))
  await b.hub.twins.patch(pump, { desired: texts })
  client.stream.pause()
  let reads = 0
  const { get } = b.hub.twins
  b.hub.twins.get = (ref) => {
    reads++
    return get.call(b.hub.twins, ref)
  }
  const COUNT = 300
  const gets = Array.from({ length: COUNT }, (_, n) =>
    publishPacket(`$iothub/twin/GET/?$rid=${n}`, ''),
  )
  client.send(...gets)
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
  assert.ok(reads < 30, `${reads} twins were read for a peer that does not read`)
  client.stream.resume()
  const answers = await client.receive('publish', COUNT)
  assert.equal(answers.at(-1)?.topic, `$iothub/twin/res/200/?$rid=${COUNT - 1}`)
})

test('close: the gateway ends its connections and its wills are stored', async () => {
  const b = bench()
  const will = { topic: EVENTS, payload: Buffer.from('gone'), qos: 0 as const, retain: false }
  const client = await connectRaw(b, pump, { will })
  await b.gateway.close()
  await client.closed()
  assert.equal((await b.hub.messages()).length, 1)
  assert.equal(b.gateway.connectionCount, 0)
  await openRaw(b).closed()
})

function header(firstByte: number, length: number): Buffer {
  const bytes = [firstByte]
  for (let rest = length; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}
