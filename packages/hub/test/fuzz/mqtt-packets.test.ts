import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { CONNECT, FrameReader, PUBLISH, SUBSCRIBE } from '../../src/gateways/mqtt/frames.ts'
import {
  decodeConnect,
  decodePublish,
  decodeSubscribe,
  type Will,
} from '../../src/gateways/mqtt/packets.ts'
import { PacketWriter } from '../../src/gateways/mqtt/writer.ts'
import { anyPacket, mutated } from './mqtt-arbitraries.ts'

const MAX_BYTES = 1024 * 1024
/** Repeatable; change it to look elsewhere. */
const SEED = 20_260_101

test('frames: a stream falls into the same packets however its chunks fall', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 })
  const property = fc.property(fc.array(anyPacket, { maxLength: 8 }), cuts, (packets, sizes) => {
    const encoded = packets.map((packet) => mqttPacket.generate(packet))
    assert.deepEqual(cut(Buffer.concat(encoded), sizes), encoded)
  })
  fc.assert(property, fuzzRuns(500, SEED))
})

test('frames: bytes that were handed out are not overwritten by what comes later', () => {
  const frames = new FrameReader()
  const packets = [1, 2, 3].map((fill) =>
    mqttPacket.generate({ ...PLAIN, payload: Buffer.alloc(100, fill) } as Packet),
  )
  const stream = Buffer.concat(packets)
  const bodies: Buffer[] = []
  for (let at = 0; at < stream.length; at += 7) {
    frames.push(stream.subarray(at, at + 7))
    while (frames.next(MAX_BYTES) === 'packet') {
      bodies.push(decodePublish(frames)?.body ?? Buffer.alloc(0))
      frames.consume()
    }
  }
  assert.deepEqual(
    bodies,
    [1, 2, 3].map((fill) => Buffer.alloc(100, fill)),
  )
})

test('frames: a packet that trickles in costs time and memory in proportion to its size', () => {
  const frames = new FrameReader()
  const size = 300_000
  frames.push(Buffer.from([0x30, (size & 0x7f) | 0x80, ((size >> 7) & 0x7f) | 0x80, size >> 14]))
  const byte = Buffer.alloc(1)
  for (let sent = 0; sent < size; sent++) {
    assert.equal(frames.next(MAX_BYTES), 'incomplete')
    frames.push(byte)
    assert.ok(frames.buffer.length <= 2 * (sent + 6))
  }
  assert.equal(frames.next(MAX_BYTES), 'packet')
})

test('packets: what is accepted of whole or broken bytes means the same to mqtt-packet', () => {
  let accepted = 0
  const property = fc.property(mutated(anyPacket), (bytes) => {
    const frames = new FrameReader()
    frames.push(bytes)
    if (frames.next(MAX_BYTES) !== 'packet') return
    const ours = decode(frames)
    if (ours === undefined) return
    accepted++
    const theirs = parsed(bytes.subarray(0, frames.bodyEnd))
    assert.deepEqual(ours, theirs)
  })
  fc.assert(property, fuzzRuns(5000, SEED))
  assert.ok(accepted > 1000, `only ${accepted} packets were compared`)
})

test('packets: every packet that a client library sends is accepted', () => {
  const property = fc.property(anyPacket, (packet) => {
    const frames = new FrameReader()
    frames.push(mqttPacket.generate(packet))
    assert.equal(frames.next(MAX_BYTES), 'packet')
    if ([CONNECT, PUBLISH, SUBSCRIBE].includes(frames.firstByte >> 4)) {
      assert.notEqual(decode(frames), undefined)
    }
  })
  fc.assert(property, fuzzRuns(2000, SEED))
})

test('writer: what it writes is what mqtt-packet reads', () => {
  const writer = new PacketWriter()
  const text = fc.string({ unit: 'grapheme', maxLength: 300 })
  const message = fc.record({ topic: text.filter((topic) => topic !== ''), payload: text })
  const property = fc.property(fc.array(message), fc.integer({ min: 1, max: 65535 }), (all, id) => {
    const expected = all.map(({ topic, payload }) =>
      mqttPacket.generate({ ...PLAIN, topic, payload } as Packet),
    )
    writer.puback(id)
    for (const { topic, payload } of all) writer.publish(topic, payload)
    const ack = mqttPacket.generate({ cmd: 'puback', messageId: id } as Packet)
    assert.deepEqual(writer.take(), Buffer.concat([ack, ...expected]))
  })
  fc.assert(property, fuzzRuns(300, SEED))
  for (const length of [120, 130, 16_370, 16_390, 300_000]) {
    writer.publish('t', 'x'.repeat(length))
    const packet = { ...PLAIN, topic: 't', payload: 'x'.repeat(length) } as Packet
    assert.deepEqual(writer.take(), mqttPacket.generate(packet))
  }
})

const PLAIN = { cmd: 'publish', topic: 't', qos: 0, dup: false, retain: false }

function cut(stream: Buffer, sizes: readonly number[]): readonly Buffer[] {
  const frames = new FrameReader()
  const found: Buffer[] = []
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    frames.push(stream.subarray(at, at + size))
    at += size
    while (frames.next(MAX_BYTES) === 'packet') {
      const length = frames.bodyEnd - frames.bodyStart
      const headerBytes = length < 0x80 ? 2 : length < 0x4000 ? 3 : 4
      found.push(
        Buffer.from(frames.buffer.subarray(frames.bodyStart - headerBytes, frames.bodyEnd)),
      )
      frames.consume()
    }
  }
  assert.equal(frames.isEmpty, true)
  return found
}

/** The packet as plain values; `undefined` when it is refused or of a type without fields. */
function decode(frames: FrameReader): object | undefined {
  const type = frames.firstByte >> 4
  if (type === CONNECT) {
    const connect = (frames.firstByte & 0xf) === 0 ? decodeConnect(frames) : undefined
    if (connect?.level !== 4 || connect.protocolName !== 'MQTT') return undefined
    const { properties: _, will, ...plain } = connect
    return { ...plain, ...(will && { will: withoutProperties(will) }) }
  }
  if (type === PUBLISH) {
    const publish = decodePublish(frames)
    if (!publish) return undefined
    const { topic, qos, retain, packetId, body } = publish
    return { topic, qos, retain, packetId, body }
  }
  if (frames.firstByte !== 0x82) return undefined
  const subscribe = decodeSubscribe(frames, false)
  return subscribe && { packetId: subscribe.packetId, entries: subscribe.entries }
}

function withoutProperties({ topic, payload, qos, retain }: Will): object {
  return { topic, payload, qos, retain }
}

/** The same from mqtt-packet. */
function parsed(bytes: Buffer): object {
  const packets: Packet[] = []
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  parser.on('packet', (packet) => packets.push(packet))
  parser.on('error', (error) => {
    throw error
  })
  parser.parse(bytes)
  const [packet] = packets
  if (packet?.cmd === 'publish') {
    const { topic, qos, retain, messageId = 0, payload } = packet
    return { topic, qos, retain, packetId: messageId, body: payload }
  }
  if (packet?.cmd === 'subscribe') {
    const entries = packet.subscriptions.map(({ topic, qos }) => ({ filter: topic, qos }))
    return { packetId: packet.messageId, entries }
  }
  if (packet?.cmd !== 'connect') throw new Error('mqtt-packet found nothing')
  const { will } = packet
  return {
    protocolName: packet.protocolId,
    level: packet.protocolVersion,
    cleanSession: packet.clean,
    keepAliveSeconds: packet.keepalive,
    clientId: packet.clientId,
    ...(will && {
      will: { topic: will.topic, payload: will.payload, qos: will.qos, retain: will.retain },
    }),
    ...(packet.username !== undefined && { userName: packet.username }),
    ...(packet.password !== undefined && { password: String(packet.password) }),
  }
}
