import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { MqttGateway } from '../../src/gateways/mqtt/server.ts'
import { makeHub, startMqttHub, until } from '../hub.ts'
import { connectPacket, connectRaw, openRaw, RawClient } from '../raw-mqtt.ts'
import { anyPacket5, goodPacket5 } from './mqtt-5-arbitraries.ts'
import { anyPacket, goodPacket, mutated } from './mqtt-arbitraries.ts'

/** Repeatable; change it to look elsewhere. */
const SEED = 20_260_102
const V5 = { protocolVersion: 5 } as const
const pump = { deviceId: 'pump-1' }
const neighbour = { deviceId: 'pump-2' }
const CHUNKS = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 10 })

test('mqtt: whatever a device sends in good form is served, in order, in any chunks', async () => {
  const { hub, gateway, bugs } = bench()
  const packets = fc.array(goodPacket, { maxLength: 30 })
  const property = fc.asyncProperty(packets, CHUNKS, async (sent, sizes) => {
    const client = await connectRaw({ hub, gateway }, pump)
    const last = { cmd: 'pingreq' as const }
    const pings = 1 + sent.filter(({ cmd }) => cmd === 'pingreq').length
    write(
      client,
      Buffer.concat([...sent, last].map((packet) => mqttPacket.generate(packet))),
      sizes,
    )
    await client.receive('pingresp', pings)
    const acknowledged = client.packets.flatMap((packet) =>
      packet.cmd === 'puback' ? [packet.messageId] : [],
    )
    const expected = sent.flatMap((packet) =>
      packet.cmd === 'publish' && packet.qos === 1 ? [packet.messageId] : [],
    )
    assert.deepEqual(acknowledged, expected)
  })
  await fc.assert(property, fuzzRuns(150, SEED))
  assert.deepEqual(bugs, [])
  await gateway.close()
})

test('mqtt 5: whatever a device sends in good form is served, in order, in any chunks', async () => {
  const { hub, gateway, bugs } = bench()
  const packets = fc.array(goodPacket5, { maxLength: 30 })
  const property = fc.asyncProperty(packets, CHUNKS, async (sent, sizes) => {
    const client = await connectRaw({ hub, gateway }, pump, V5)
    const pings = 1 + sent.filter(({ cmd }) => cmd === 'pingreq').length
    const all = [...sent, { cmd: 'pingreq' as const }]
    write(client, Buffer.concat(all.map((packet) => mqttPacket.generate(packet, V5))), sizes)
    await client.receive('pingresp', pings)
    const ids = (cmd: Packet['cmd']) =>
      client.packets.flatMap((packet) => (packet.cmd === cmd ? [packet.messageId] : []))
    const wanted = (isWanted: (packet: Packet) => boolean) =>
      sent.filter(isWanted).map(({ messageId }) => messageId)
    assert.deepEqual(
      ids('puback'),
      wanted((packet) => packet.cmd === 'publish' && packet.qos === 1),
    )
    assert.deepEqual(
      ids('suback'),
      wanted(({ cmd }) => cmd === 'subscribe'),
    )
    assert.deepEqual(
      ids('unsuback'),
      wanted(({ cmd }) => cmd === 'unsubscribe'),
    )
  })
  await fc.assert(property, fuzzRuns(150, SEED))
  assert.deepEqual(bugs, [])
  await gateway.close()
})

test('mqtt: broken bytes cost their own connection at most; a neighbour does not notice', async () => {
  const { hub, gateway, bugs } = bench()
  const other = await connectRaw({ hub, gateway }, neighbour)
  const noise = fc.oneof(
    fc.array(mutated(anyPacket), { maxLength: 10 }).map((all) => Buffer.concat(all)),
    fc.array(mutated(anyPacket5, V5), { maxLength: 10 }).map((all) => Buffer.concat(all)),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  )
  let pings = 0
  const known = fc.constantFrom(undefined, 4, 5)
  const property = fc.asyncProperty(noise, CHUNKS, known, async (bytes, sizes, protocolVersion) => {
    const client = protocolVersion
      ? await connectRaw({ hub, gateway }, pump, { protocolVersion })
      : openRaw({ gateway })
    write(client, bytes, sizes)
    other.send({ cmd: 'pingreq' })
    await other.receive('pingresp', ++pings)
    client.stream.destroy()
  })
  await fc.assert(property, fuzzRuns(400, SEED))
  await until(() => gateway.connectionCount === 1, 'the end of all but the neighbour')
  assert.equal(hub.sessions.count, 1)
  assert.deepEqual(bugs, [])
  await gateway.close()
})

test('mqtt: broken bytes over TLS leave the server serving', async () => {
  await using hub = await startMqttHub()
  const hello = mqttPacket.generate(await connectPacket(hub, pump))
  const property = fc.asyncProperty(mutated(anyPacket), fc.boolean(), async (bytes, isKnown) => {
    const socket = connectTls({
      port: hub.port,
      host: '127.0.0.1',
      ca: hub.ca,
      servername: 'localhost',
    })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    socket.write(isKnown ? Buffer.concat([hello, bytes]) : bytes)
    socket.end()
    socket.resume()
    await once(socket, 'close')
  })
  await fc.assert(property, fuzzRuns(40, SEED))
  const socket = connectTls({
    port: hub.port,
    host: '127.0.0.1',
    ca: hub.ca,
    servername: 'localhost',
  })
  const client = new RawClient(socket)
  client.send(await connectPacket(hub, pump))
  const [connack] = await client.receive('connack')
  assert.equal(connack?.returnCode, 0)
  socket.destroy()
  await until(() => hub.gateway.connectionCount === 0, 'the end of all connections')
})

function bench() {
  const bugs: unknown[] = []
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (fields: object) => void bugs.push(fields),
  }
  const hub = makeHub({ log })
  return { hub, gateway: new MqttGateway(hub), bugs }
}

function write({ stream }: RawClient, bytes: Buffer, sizes: readonly number[]): void {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    stream.write(bytes.subarray(at, at + size))
    at += size
  }
}
