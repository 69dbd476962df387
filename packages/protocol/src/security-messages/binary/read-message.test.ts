import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { refuseEvent } from '../judge.ts'
import { MAX_AGENT_CHARACTERS, MAX_ELEMENTS_PER_MESSAGE } from '../limits.ts'
import { formatIpv6 } from './addresses.ts'
import { MAX_UNFOLDED_TEXT_BYTES } from './flat-buffer.ts'
import { readMessageTypeIndicator } from './indicator.ts'
import { readBinaryMessage } from './read-message.ts'

interface Vector {
  readonly name: string
  readonly hex: string
  readonly expected: object
}

const url = new URL('../../../../../vectors/security-messages/binary.json', import.meta.url)
const vectors: readonly Vector[] = JSON.parse(readFileSync(url, 'utf8'))
const decodeText = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
const read = (bytes: Uint8Array) => readBinaryMessage(bytes, decodeText)

/** Where the bytes of an unknown payload are depends on the writer. */
function withoutPositions(value: unknown): unknown {
  const text = JSON.stringify(value)
  return JSON.parse(text.replace(/"payloadPosition":\d+/g, '"payloadPosition":"*"'))
}

for (const { name, hex, expected } of vectors) {
  test(`reads ${name}`, () => {
    assert.deepEqual(withoutPositions(read(Buffer.from(hex, 'hex'))), expected)
  })
}

test('what is read from a binary message is a valid event of schema 2.0', () => {
  for (const { hex } of vectors) {
    const message = read(Buffer.from(hex, 'hex'))
    if ('refusal' in message) continue
    for (const one of message.events) {
      if ('refusal' in one) continue
      // A word of a later version is kept as its number, which the schema of JSON does not have.
      if (JSON.stringify(one.event.Payload).includes('"type":"3"')) continue
      assert.equal(refuseEvent(one.event, '2.0', 'e'), undefined)
    }
  }
})

test('an indicator says version, encoding and source, or why it cannot be followed', () => {
  const binary = { encoding: 'flatbuffers', source: 'rtos' }
  assert.deepEqual(readMessageTypeIndicator('2.0-1-0-0'), { version: '2.0', ...binary })
  assert.deepEqual(readMessageTypeIndicator('2.3-1-0-0'), { version: '2.3', ...binary })
  assert.deepEqual(readMessageTypeIndicator('2.9-1-1-0'), {
    ...{ version: '2.9', encoding: 'flatbuffers', source: 'linux' },
  })
  assert.deepEqual(readMessageTypeIndicator('1.0-0-1-0'), {
    ...{ version: '1.0', encoding: 'json', source: 'linux' },
  })
  for (const [mti, reason] of [
    ['', /expected major\.minor-E-S-T/],
    ['2.3', /expected/],
    ['2.3-1-0-0 ', /expected/],
    ['2.3-1-0-0'.padEnd(99, '0'), /expected/],
    ['3.0-1-0-0', /schema 3\.0 are unknown/],
    ['2.3-2-0-0', /encoding 2/],
    ['2.3-1-7-0', /source 7/],
    ['2.3-1-0-1', /type 1/],
  ] as const) {
    assert.match(String(readMessageTypeIndicator(mti)), reason, mti)
  }
})

/** A message by hand: its root has an id and `count` events, all at one place. */
function sharedEvents(count: number, textBytes: number): Uint8Array {
  const eventsAt = 64
  const eventAt = eventsAt + 4 + 4 * count
  const textAt = eventAt + 200
  const bytes = new Uint8Array(textAt + 4 + textBytes)
  const view = new DataView(bytes.buffer)
  const to = (position: number, target: number) => view.setUint32(position, target - position, true)
  const table = (position: number, vtable: number, offsets: readonly number[], size: number) => {
    view.setInt32(position, position - vtable, true)
    view.setUint16(vtable, 4 + 2 * offsets.length, true)
    view.setUint16(vtable + 2, size, true)
    for (const [slot, offset] of offsets.entries()) {
      view.setUint16(vtable + 4 + 2 * slot, offset, true)
    }
  }
  to(0, 24)
  table(24, 4, [4, 0, 0, 8], 12)
  // The root's own text, which has a bound, is empty.
  to(28, eventAt + 120)
  to(32, eventsAt)
  view.setUint32(eventsAt, count, true)
  for (let index = 0; index < count; index++) to(eventsAt + 4 + 4 * index, eventAt + 20)
  // An event with a Process payload whose executable is the shared text.
  table(eventAt + 20, eventAt, [8, 0, 0, 24, 4], 28)
  bytes[eventAt + 20 + 24] = 6
  to(eventAt + 24, eventAt + 80)
  table(eventAt + 80, eventAt + 60, [4], 8)
  to(eventAt + 84, textAt)
  view.setUint32(textAt, textBytes, true)
  return bytes
}

test('offsets may share a text, but not unfold it to more than the limit', () => {
  const few = read(sharedEvents(3, 20_000))
  assert.ok(!('refusal' in few))
  assert.equal(few.events.length, 3)
  const many = read(sharedEvents(1_000, 200_000))
  assert.deepEqual(many, {
    refusal: `the binary message unfolds to more than ${MAX_UNFOLDED_TEXT_BYTES} bytes of text`,
  })
})

test('more elements than the limit are refused whole, before they are read', () => {
  const listening = vectors.find(({ name }) => name.startsWith('listening ports'))
  const bytes = Buffer.from(listening?.hex ?? '', 'hex')
  const two = Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 22, 0])
  const at = bytes.indexOf(two)
  assert.ok(at > 0)
  const padded = Buffer.concat([bytes, Buffer.alloc((MAX_ELEMENTS_PER_MESSAGE + 2_000) * 8)])
  padded.writeUInt32LE(MAX_ELEMENTS_PER_MESSAGE + 1_500, at)
  assert.deepEqual(read(padded), { refusal: 'the binary message unfolds to too many items' })
})

test('a text that is no UTF-8 costs its characters, not the event', () => {
  const process = vectors.find(({ name }) => name.startsWith('processes'))
  const bytes = Buffer.from(process?.hex ?? '', 'hex')
  bytes[bytes.indexOf('sh -c id')] = 0xff
  const message = read(bytes)
  assert.ok(!('refusal' in message))
  assert.equal(message.events.length, 4)
})

test('addresses are shortened at the first of the longest runs of zeroes', () => {
  const octets = (...groups: readonly number[]) =>
    Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]))
  assert.equal(formatIpv6(octets(0, 0, 0, 0, 0, 0, 0, 0)), '::')
  assert.equal(formatIpv6(octets(1, 0, 0, 2, 0, 0, 3, 4)), '1::2:0:0:3:4')
  assert.equal(formatIpv6(octets(1, 0, 2, 3, 4, 5, 6, 7)), '1:0:2:3:4:5:6:7')
  assert.equal(formatIpv6(octets(0, 0, 0, 0, 0, 0xffff, 0x0a00, 5)), '::ffff:a00:5')
})

/** A message of this agent, whose only event is damaged. */
function messageFrom(agentId: string): Uint8Array {
  const bytes = Buffer.alloc(28 + 4 + agentId.length + 12)
  bytes.writeUInt32LE(16, 0)
  for (const [at, value] of [12, 12, 4, 0, 0, 8].entries()) bytes.writeUInt16LE(value, 4 + 2 * at)
  bytes.writeInt32LE(12, 16)
  bytes.writeUInt32LE(8, 20)
  bytes.writeUInt32LE(8 + agentId.length, 24)
  bytes.writeUInt32LE(agentId.length, 28)
  bytes.write(agentId, 32, 'latin1')
  bytes.writeUInt32LE(1, 32 + agentId.length)
  bytes.writeUInt32LE(1, 36 + agentId.length)
  return bytes
}

test('an agent id that every row would repeat has a bound', () => {
  const longest = read(messageFrom('a'.repeat(MAX_AGENT_CHARACTERS)))
  assert.ok('agentId' in longest && longest.agentId.length === MAX_AGENT_CHARACTERS)
  const longer = read(messageFrom('a'.repeat(MAX_AGENT_CHARACTERS + 1)))
  assert.match('refusal' in longer ? longer.refusal : '', /security_module_id: .* 128 characters/)
})
