import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import mqttPacket, { type Packet } from 'mqtt-packet'
import type { Connection } from './connection.ts'
import { Histogram } from './histogram.ts'
import type { Dialect, Operation } from './plan.ts'
import { RequestLink } from './request-link.ts'
import { encodeRequests } from './requests.ts'

const puback = mqttPacket.generate({ cmd: 'puback', messageId: 1 })

test('a patch is done when both its PUBACK and its answer came, in either order', () => {
  for (const order of [
    [puback, answer(204)],
    [answer(204), puback],
  ]) {
    const { tally, hear } = open('iothub')
    hear(order[0] ?? Buffer.alloc(0))
    assert.equal(tally.done, 0)
    hear(order[1] ?? Buffer.alloc(0))
    assert.equal(tally.done, 1)
    assert.equal(tally.refused, 0)
  }
})

test('packets that arrive byte by byte count the same', () => {
  const { tally, hear } = open('iothub')
  for (const byte of Buffer.concat([puback, answer(204)])) hear(Buffer.from([byte]))
  assert.equal(tally.done, 1)
})

test('an answer that is no success is counted as refused', () => {
  const { tally, hear } = open('iothub')
  hear(Buffer.concat([puback, answer(400)]))
  assert.equal(tally.refused, 1)
  for (const byte of answer(404)) hear(Buffer.from([byte]))
  assert.equal(tally.refused, 2)
})

test('a get is sent at QoS 0 and done when its answer came, whole', () => {
  const { tally, writes, hear } = open('iothub', 1, 'get')
  const [request] = parse(writes[0] ?? Buffer.alloc(0))
  assert.ok(request?.cmd === 'publish')
  assert.equal(request.topic, '$iothub/twin/GET/?$rid=10')
  assert.equal(request.qos, 0)
  const twin = answer(200, '{"desired":{"$version":1},"reported":{"$version":1}}')
  hear(twin.subarray(0, -1))
  assert.equal(tally.done, 0)
  hear(twin.subarray(-1))
  assert.equal(tally.done, 1)
  assert.equal(tally.refused, 0)
})

test('what is done is followed by as many patches, in one write', () => {
  const { tally, writes, hear } = open('iothub', 4)
  tally.sending = true
  hear(Buffer.concat([puback, answer(204), puback, puback, answer(204)]))
  assert.equal(tally.done, 2)
  assert.deepEqual(
    writes.map((bytes) => parse(bytes).length),
    [4, 2],
  )
})

test('the ring goes round: ids in flight never repeat and every body is JSON', () => {
  const { tally, writes, hear } = open('mqtt', 16)
  tally.sending = true
  for (let i = 0; i < 20; i++) hear(Buffer.concat(Array.from({ length: 16 }, () => puback)))
  assert.equal(tally.done, 320)
  for (const write of writes) {
    const packets = parse(write)
    assert.equal(packets.length, 16)
    assert.equal(new Set(packets.map((packet) => packet.messageId)).size, 16)
    for (const packet of packets) {
      assert.ok(packet.cmd === 'publish')
      assert.ok(JSON.parse(String(packet.payload)).uptime > 0)
    }
  }
})

test('an echo is done when all bytes of a packet came back', () => {
  const { tally, writes, hear } = open('echo')
  const sent = writes[0] ?? Buffer.alloc(0)
  hear(sent.subarray(0, sent.length - 1))
  assert.equal(tally.done, 0)
  hear(sent.subarray(sent.length - 1))
  assert.equal(tally.done, 1)
})

function open(dialect: Dialect, inFlight = 1, operation: Operation = 'patch') {
  const writes: Buffer[] = []
  const socket = { write: (bytes: Buffer) => writes.push(bytes) } as unknown as TLSSocket
  const connection: Connection = { socket, receive: () => {} }
  const tally = { done: 0, refused: 0, sending: false, latency: new Histogram() }
  const requests = encodeRequests(operation, dialect, 'bench-00001')
  new RequestLink(connection, requests, { inFlight, tally }).send(inFlight, 0)
  return { tally, writes, hear: (bytes: Buffer) => connection.receive(bytes, bytes.length) }
}

function answer(status: number, payload = ''): Buffer {
  const topic = `$iothub/twin/res/${status}/?$rid=10&$version=7`
  const rest = { payload, qos: 0, dup: false, retain: false } as const
  return mqttPacket.generate({ cmd: 'publish', topic, ...rest })
}

function parse(bytes: Buffer): Packet[] {
  const parser = mqttPacket.parser()
  const seen: Packet[] = []
  parser.on('packet', (one) => seen.push(one))
  parser.parse(bytes)
  return seen
}
