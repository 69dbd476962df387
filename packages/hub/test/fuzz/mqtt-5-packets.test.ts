import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import {
  encodeConnack5,
  encodeDisconnect,
  encodePublish,
  encodeRefusal,
  encodeSuback,
  encodeUnsuback,
} from '../../src/gateways/mqtt/encode.ts'
import {
  CONNECT,
  DISCONNECT,
  FrameReader,
  PUBACK,
  PUBLISH,
} from '../../src/gateways/mqtt/frames.ts'
import {
  decodeConnect,
  decodeDisconnect,
  decodePuback,
  decodePublish5,
  decodeSubscribe,
} from '../../src/gateways/mqtt/packets.ts'
import type { Properties } from '../../src/gateways/mqtt/properties.ts'
import { PacketWriter } from '../../src/gateways/mqtt/writer.ts'
import { anyPacket5 } from './mqtt-5-arbitraries.ts'
import { mutated } from './mqtt-arbitraries.ts'

const MAX_BYTES = 1024 * 1024
/** Repeatable; change it to look elsewhere. */
const SEED = 20_260_105
const V5 = { protocolVersion: 5 } as const

test('mqtt 5: every packet that a client library sends is read as it was meant', () => {
  const property = fc.property(anyPacket5, (packet) => {
    const bytes = mqttPacket.generate(packet, V5)
    const ours = decode(frameOf(bytes))
    if (!isCompared(bytes)) return
    assert.notEqual(ours, undefined, JSON.stringify(packet))
    assert.deepEqual(ours, parsed(bytes))
  })
  fc.assert(property, fuzzRuns(3000, SEED))
})

test('mqtt 5: what is accepted of broken bytes means the same to mqtt-packet', () => {
  let accepted = 0
  const property = fc.property(mutated(anyPacket5, V5), (bytes) => {
    const frames = new FrameReader()
    frames.push(bytes)
    if (frames.next(MAX_BYTES) !== 'packet' || !isCompared(bytes)) return
    const ours = decode(frames)
    if (ours === undefined) return
    accepted++
    assert.deepEqual(ours, parsed(bytes.subarray(0, frames.bodyEnd)))
  })
  fc.assert(property, fuzzRuns(5000, SEED))
  assert.ok(accepted > 800, `only ${accepted} packets were compared`)
})

test('mqtt 5: a number in more bytes than it needs is malformed', () => {
  const connect = (property: readonly number[]) => {
    const body = [
      0,
      4,
      ...Buffer.from('MQTT'),
      5,
      2,
      0,
      60,
      property.length,
      ...property,
      0,
      1,
      0x61,
    ]
    return decode(frameOf(Buffer.from([0x10, body.length, ...body])))
  }
  // Request Response Information, 25, once in one byte and once in two.
  assert.notEqual(connect([0x19, 1]), undefined)
  assert.equal(connect([0x99, 0, 1]), undefined)
})

test('mqtt 5: what the hub writes is what mqtt-packet reads', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }).filter(isText)
  const id = fc.integer({ min: 1, max: 65535 })
  const user = fc.array(fc.tuple(text, text), { maxLength: 3 })
  const property = fc.property(text, text, id, user, (topic, payload, packetId, pairs) => {
    const publish = encodePublish({
      topic,
      body: Buffer.from(payload),
      packetId,
      isDuplicate: true,
      properties: {
        messageExpirySeconds: 7,
        contentType: topic,
        correlationData: 'c',
        user: pairs,
      },
    })
    const read = readOne(publish)
    assert.equal(read.cmd, 'publish')
    if (read.cmd !== 'publish') return
    assert.deepEqual(
      [read.topic, String(read.payload), read.messageId, read.dup, read.qos],
      [topic, payload, packetId, true, 1],
    )
    assert.equal(read.properties?.contentType, topic)
    assert.equal(read.properties?.messageExpiryInterval, 7)
    assert.equal(String(read.properties?.correlationData), 'c')
    assert.deepEqual(grouped(pairs), grouped(pairsOf(read.properties?.userProperties)))
  })
  fc.assert(property, fuzzRuns(500, SEED))
})

test('mqtt 5: acknowledgements, refusals and goodbyes carry their reasons', () => {
  const suback = readOne(encodeSuback(7, [1, 0x8f], true))
  assert.deepEqual(suback.cmd === 'suback' && [suback.messageId, suback.granted], [7, [1, 0x8f]])
  const unsuback = readOne(encodeUnsuback(8, [0, 0x11], true))
  assert.deepEqual(unsuback.cmd === 'unsuback' && unsuback.granted, [0, 0x11])
  for (const text of ['too large', undefined]) {
    const puback = readOne(encodeRefusal(9, 0x97, text))
    assert.ok(puback.cmd === 'puback')
    assert.deepEqual([puback.messageId, puback.reasonCode], [9, 0x97])
    assert.equal(puback.properties?.reasonString, text)
  }
  const goodbye = readOne(encodeDisconnect(0x8e, 'x'.repeat(300)))
  assert.deepEqual(goodbye.cmd === 'disconnect' && goodbye.reasonCode, 0x8e)
  const connack = readOne(encodeConnack5(0, true, { maximumQos: 1, retainAvailable: 0 }))
  assert.ok(connack.cmd === 'connack' && connack.sessionPresent)
  assert.deepEqual({ ...connack.properties }, { maximumQoS: 1, retainAvailable: false })
})

test('mqtt 5: a gathered PUBLISH has no properties, and one that is too large is left out', () => {
  const writer = new PacketWriter()
  for (const length of [0, 120, 123, 124, 16_380]) {
    writer.start({ isMqtt5: true, maxPacketBytes: 20_000 })
    writer.publish('t', 'x'.repeat(length))
    const packet = { cmd: 'publish', topic: 't', qos: 0, dup: false, retain: false }
    const expected = { ...packet, payload: 'x'.repeat(length) } as Packet
    assert.deepEqual(writer.take(), mqttPacket.generate(expected, V5))
  }
  writer.publish('t', 'x'.repeat(20_000))
  assert.deepEqual([writer.length, writer.skipped], [0, 1])
})

function isText(text: string): boolean {
  return !text.includes('\0') && Buffer.from(text).toString() === text
}

/** mqtt-packet neither checks nor keeps all of the others. */
function isCompared(bytes: Buffer): boolean {
  const type = (bytes[0] ?? 0) >> 4
  return [CONNECT, PUBLISH, PUBACK, DISCONNECT].includes(type) || bytes[0] === 0x82
}

function frameOf(bytes: Buffer): FrameReader {
  const frames = new FrameReader()
  frames.push(bytes)
  assert.equal(frames.next(MAX_BYTES), 'packet')
  return frames
}

/** The packet as plain values; `undefined` when it is refused. */
function decode(frames: FrameReader): object | undefined {
  const type = frames.firstByte >> 4
  if (type === PUBLISH) {
    const publish = decodePublish5(frames)
    if (!publish) return undefined
    const { topic, qos, retain, packetId, body, properties } = publish
    return { topic, qos, retain, packetId, body, properties: plain(properties) }
  }
  if (type === DISCONNECT) {
    const packet = (frames.firstByte & 0xf) === 0 ? decodeDisconnect(frames, true) : undefined
    return packet && { reason: packet.reason, properties: plain(packet.properties) }
  }
  if (type === PUBACK) {
    return (frames.firstByte & 0xf) === 0 ? decodePuback(frames, true) : undefined
  }
  if (frames.firstByte === 0x82) {
    const packet = decodeSubscribe(frames, true)
    return packet && { packetId: packet.packetId, entries: packet.entries }
  }
  return decodeConnect5(frames)
}

function decodeConnect5(frames: FrameReader): object | undefined {
  const packet = frames.firstByte === CONNECT << 4 ? decodeConnect(frames) : undefined
  if (packet?.level !== 5 || packet.protocolName !== 'MQTT') return undefined
  const { will, properties, ...fields } = packet
  return {
    ...fields,
    properties: plain(properties),
    ...(will && { will: { ...will, properties: plain(will.properties) } }),
  }
}

function readOne(bytes: Buffer): Packet {
  const packets: Packet[] = []
  const parser = mqttPacket.parser(V5)
  parser.on('packet', (packet) => packets.push(packet))
  parser.on('error', (error) => {
    throw error
  })
  parser.parse(bytes)
  const [packet] = packets
  if (!packet) throw new Error('mqtt-packet found nothing')
  return packet
}

/** The same from mqtt-packet. */
function parsed(bytes: Buffer): object {
  const packet = readOne(bytes)
  if (packet.cmd === 'publish') {
    const { topic, qos, retain, messageId = 0, payload, properties } = packet
    const fields = { topic, qos, retain, packetId: messageId, body: payload }
    return { ...fields, properties: theirs(properties) }
  }
  if (packet.cmd === 'subscribe') {
    const entries = packet.subscriptions.map(({ topic, qos }) => ({ filter: topic, qos }))
    return { packetId: packet.messageId, entries }
  }
  if (packet.cmd === 'puback') return { packetId: packet.messageId, reason: packet.reasonCode ?? 0 }
  if (packet.cmd === 'disconnect') {
    return { reason: packet.reasonCode ?? 0, properties: theirs(packet.properties) }
  }
  if (packet.cmd !== 'connect') throw new Error(`mqtt-packet found ${packet.cmd}`)
  const { will } = packet
  return {
    protocolName: packet.protocolId,
    level: packet.protocolVersion,
    cleanSession: packet.clean,
    keepAliveSeconds: packet.keepalive,
    clientId: packet.clientId,
    ...(packet.username !== undefined && { userName: packet.username }),
    ...(packet.password !== undefined && { password: String(packet.password) }),
    properties: theirs(packet.properties),
    ...(will && {
      will: {
        topic: will.topic,
        payload: will.payload,
        qos: will.qos,
        retain: will.retain,
        properties: theirs(will.properties),
      },
    }),
  }
}

const NAMES: Readonly<Record<string, string>> = {
  payloadFormatIndicator: 'payloadFormat',
  messageExpiryInterval: 'messageExpirySeconds',
  sessionExpiryInterval: 'sessionExpirySeconds',
  willDelayInterval: 'willDelaySeconds',
  maximumPacketSize: 'maxPacketBytes',
}

function theirs(properties: object = {}): object {
  const { userProperties, ...rest } = properties as Record<string, unknown>
  const fields = Object.entries(rest).map(([name, value]) => [
    NAMES[name] ?? name,
    typeof value === 'boolean' ? Number(value) : value,
  ])
  return { ...Object.fromEntries(fields), user: grouped(pairsOf(userProperties)) }
}

function plain({ user, ...rest }: Properties): object {
  return { ...rest, user: grouped(user) }
}

function pairsOf(userProperties: unknown): [string, string][] {
  return Object.entries((userProperties ?? {}) as Record<string, string | string[]>).flatMap(
    ([name, values]) => [values].flat().map((value): [string, string] => [name, value]),
  )
}

/** By name, because mqtt-packet does not keep the order of different names. */
function grouped(pairs: readonly (readonly [string, string])[]): unknown {
  const found = new Map<string, string[]>()
  for (const [name, value] of pairs) found.set(name, [...(found.get(name) ?? []), value])
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1))
}
