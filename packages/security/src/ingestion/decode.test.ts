import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { MAX_ELEMENTS_PER_MESSAGE, MAX_MESSAGE_BYTES } from '@twinward/protocol'
import type { SecurityMessage } from '../platform.ts'
import { MAX_EXCERPT_BYTES } from './body.ts'
import { decodeMessage, MAX_EVENT_AGE_MS, MAX_EVENT_LEAD_MS } from './decode.ts'

const receivedMs = Date.parse('2019-11-02T08:20:00Z')

function message(body: unknown, application = {}): SecurityMessage {
  const isBytes = body instanceof Uint8Array
  return {
    ref: { deviceId: 'pump-1', moduleId: 'azureiotsecurity' },
    system: {},
    application,
    body: isBytes ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    sequence: 7,
    enqueuedTimeMs: receivedMs,
  }
}

const event = {
  ...{ EventType: 'Security', Category: 'Triggered', Name: 'ProcessCreate' },
  ...{ PayloadSchemaVersion: '1.0', Id: '4f7e2b1a-30a1-4c6d-8e52-9d1f6a7b0c11' },
  ...{ TimestampLocal: '2019-11-02T10:15:33+02:00', TimestampUTC: '2019-11-02T08:15:33Z' },
  IsEmpty: false,
  Payload: [
    { Executable: '/bin/sh', ProcessId: 2, ParentProcessId: 1, CommandLine: 'sh', UserId: '0' },
  ],
}
const envelope = {
  AgentVersion: '0.0.6',
  AgentId: 'e8a3d9c1-6b54-4a0f-9a53-0c1c3e1f77aa',
  MessageSchemaVersion: '1.0',
  Events: [event],
}

/** The reason for which a whole message is refused. */
function refusal(body: unknown, application = {}): string {
  const decoded = decodeMessage(message(body, application), receivedMs)
  assert.deepEqual(decoded.events, [])
  assert.equal(decoded.rejections.length, 1)
  assert.equal(decoded.schema, '')
  return decoded.rejections[0]?.reason ?? ''
}

test('an event comes with the header of its message and the payload as it was sent', () => {
  const decoded = decodeMessage(message(envelope), receivedMs)
  assert.deepEqual(decoded, {
    events: [
      {
        header: {
          ref: { deviceId: 'pump-1', moduleId: 'azureiotsecurity' },
          era: 'legacy',
          agentVersion: '0.0.6',
          agentId: envelope.AgentId,
          eventId: event.Id,
          name: 'ProcessCreate',
          category: 'Triggered',
          eventType: 'Security',
          isEmpty: false,
          timeMs: Date.parse('2019-11-02T08:15:33Z'),
          timestampLocal: '2019-11-02T10:15:33+02:00',
          receivedMs,
          sequence: 7,
          deviations: [],
        },
        payload: event.Payload,
      },
    ],
    rejections: [],
    agentVersion: '0.0.6',
    agentId: envelope.AgentId,
    schema: '1.0',
    clockOffsetMs: Date.parse('2019-11-02T08:15:33Z') - receivedMs,
  })
})

test('each event is judged alone: a bad one is named and the others go through', () => {
  const bad = { ...event, Payload: [{ ...event.Payload[0], ProcessId: {} }] }
  const { events, rejections } = decodeMessage(
    message({ ...envelope, Events: [event, bad, event, null] }),
    receivedMs,
  )
  assert.equal(events.length, 2)
  assert.deepEqual(
    rejections.map(({ reason }) => reason),
    [
      'Events[1].Payload[0].ProcessId: expected an integer, got object',
      'Events[3]: expected an object, got null',
    ],
  )
  assert.equal(rejections[0]?.excerpt, JSON.stringify(bad))
  assert.equal(rejections[0]?.sequence, 7)
})

const NOT_TEXT = 'the message is not UTF-8 text; a binary one needs the property mti'

test('a message that cannot be read is one rejection that says why', () => {
  assert.equal(refusal('not json'), 'the message is not JSON')
  assert.equal(refusal(''), 'the message is not JSON')
  assert.equal(refusal(Buffer.from([0x22, 0xff, 0x22])), NOT_TEXT)
  assert.equal(refusal('{}'), 'AgentVersion: required, but missing')
})

test('a body with a byte order mark is read', () => {
  const body = Buffer.concat([
    Buffer.from([0xef, 0xbb, 0xbf]),
    Buffer.from(JSON.stringify(envelope)),
  ])
  assert.equal(decodeMessage(message(body), receivedMs).events.length, 1)
})

interface BinaryVector {
  readonly name: string
  readonly hex: string
  readonly expected: { readonly events?: readonly object[]; readonly refusal?: string }
}

const binaryVectors: readonly BinaryVector[] = JSON.parse(
  readFileSync(
    new URL('../../../../vectors/security-messages/binary.json', import.meta.url),
    'utf8',
  ),
)

function binary(named: string): Buffer {
  const vector = binaryVectors.find(({ name }) => name.startsWith(named))
  assert.ok(vector)
  return Buffer.from(vector.hex, 'hex')
}

test('binary messages are read as their property says; each event is accounted for', () => {
  for (const { name, hex, expected } of binaryVectors) {
    for (const mti of ['2.0-1-0-0', '2.3-1-0-0']) {
      const decoded = decodeMessage(message(Buffer.from(hex, 'hex'), { mti }), receivedMs)
      const count = decoded.events.length + decoded.rejections.length
      assert.equal(count, expected.events?.length ?? 1, name)
      if (expected.events) assert.equal(decoded.schema, `binary ${mti.slice(0, 3)}`)
      else assert.equal(decoded.rejections[0]?.reason, `${expected.refusal} (mti ${mti})`)
      for (const { header } of decoded.events) assert.equal(header.era, 'rtos')
    }
  }
  const [first] = decodeMessage(
    message(binary('processes'), { mti: '2.3-1-1-0' }),
    receivedMs,
  ).events
  assert.equal(first?.header.era, 'micro')
  assert.equal(first?.header.agentVersion, '3.2.7')
  assert.equal(first?.header.agentId, 'defender-iot-micro-agent')
})

test('the property and the body must fit each other, or the message is refused with both', () => {
  assert.match(refusal(envelope, { mti: '2.3-1-0-0' }), /^the message is no binary .*2\.3-1-0-0/)
  assert.equal(refusal(binary('a heartbeat'), { mti: '2.3-0-0-0' }), NOT_TEXT)
  assert.equal(refusal(binary('a heartbeat')), NOT_TEXT)
  assert.match(refusal(binary('a heartbeat'), { mti: '9.9-1-0-0' }), /schema 9\.9 are unknown/)
  const json = decodeMessage(message(envelope, { mti: '2.3-0-0-0' }), receivedMs)
  assert.equal(json.events.length, 1)
})

test('a binary payload of a later version is kept raw, with its number and the bytes', () => {
  const body = binary('a payload that this version')
  const { events, unknownPayloads } = decodeMessage(message(body, { mti: '2.8-1-1-0' }), receivedMs)
  assert.deepEqual(unknownPayloads, [9])
  const [event] = events
  assert.equal(event?.header.name, 'Unknown')
  assert.deepEqual(event?.header.deviations, ['unknown-binary-version', 'unknown-payload'])
  const [element] = event?.payload ?? []
  assert.equal(element?.payloadType, 9)
  assert.equal(element?.message, body.toString('base64'))
})

test('limits: bytes, depth and elements each refuse the message', () => {
  const padding = MAX_MESSAGE_BYTES - JSON.stringify(envelope).length
  const full = JSON.stringify(envelope) + ' '.repeat(padding)
  assert.equal(decodeMessage(message(full), receivedMs).events.length, 1)
  assert.match(refusal(`${full} `), /^the message has 262145 bytes; at most 262144 are read$/)

  const nested = (levels: number) => {
    const value = JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
    return { ...envelope, Events: [{ ...event, Name: 'Other', Payload: [{ value }] }] }
  }
  // The envelope, Events, the event, Payload and the element are five levels.
  assert.equal(decodeMessage(message(nested(11)), receivedMs).events.length, 1)
  assert.equal(refusal(nested(12)), 'the message nests deeper than 16 levels')
  assert.equal(refusal('['.repeat(MAX_MESSAGE_BYTES / 2).padEnd(MAX_MESSAGE_BYTES, ']')), DEEP)

  const many = (count: number) => {
    return { ...envelope, Events: [{ ...event, Name: 'Other', Payload: Array(count).fill({}) }] }
  }
  assert.equal(decodeMessage(message(many(MAX_ELEMENTS_PER_MESSAGE)), receivedMs).events.length, 1)
  assert.match(refusal(many(MAX_ELEMENTS_PER_MESSAGE + 1)), /has 10001 payload elements/)
})

const DEEP = 'the message nests deeper than 16 levels'

test('an excerpt is the first 4 KiB', () => {
  const long = decodeMessage(message('x'.repeat(10_000)), receivedMs)
  assert.equal(long.rejections[0]?.excerpt, 'x'.repeat(MAX_EXCERPT_BYTES))
})

test('a time out of range is clamped, said so, and kept as it was sent', () => {
  const at = (TimestampUTC: string) => {
    const body = { ...envelope, Events: [{ ...event, TimestampUTC }] }
    return decodeMessage(message(body), receivedMs).events[0]?.header
  }
  const early = at('1970-01-01T00:00:00Z')
  assert.equal(early?.timeMs, receivedMs - MAX_EVENT_AGE_MS)
  assert.equal(early?.timestampSent, '1970-01-01T00:00:00Z')
  assert.deepEqual(early?.deviations, ['time-clamped'])
  const late = at('2019-11-02T08:30:00.001Z')
  assert.equal(late?.timeMs, receivedMs + MAX_EVENT_LEAD_MS)
  assert.equal(at('2019-11-02T08:30:00Z')?.timestampSent, undefined)
})

test('a time without zone is UTC, and a blank stands for the T', () => {
  for (const TimestampUTC of ['2019-11-02T08:15:33', '2019-11-02 08:15:33Z']) {
    const body = { ...envelope, Events: [{ ...event, TimestampUTC }] }
    const [first] = decodeMessage(message(body), receivedMs).events
    assert.equal(first?.header.timeMs, Date.parse('2019-11-02T08:15:33Z'))
  }
})

test('a member named __proto__ changes no prototype', () => {
  const body = JSON.stringify({ ...envelope, Events: [{ ...event, Name: 'Other' }] })
  const text = body.replace('"Payload":[{', '"Payload":[{"__proto__":{"polluted":true},')
  const [first] = decodeMessage(message(text), receivedMs).events
  assert.equal(Object.getPrototypeOf(first?.payload[0]), Object.prototype)
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
  assert.match(JSON.stringify(first?.payload[0]), /^{"__proto__":{"polluted":true},/)
})

test('the vectors decode: all that is accepted, nothing of what is refused', () => {
  for (const { name, message: body } of vectors('accepted')) {
    const { events, rejections } = decodeMessage(message(body), receivedMs)
    assert.deepEqual(rejections, [], name)
    assert.equal(events.length, (body as { Events: unknown[] }).Events.length, name)
  }
  for (const { message: body, reason } of vectors('rejected-messages')) {
    assert.equal(refusal(JSON.stringify(body)), reason)
  }
})

interface Vector {
  name: string
  message: unknown
  reason: string
}

function vectors(name: string): Vector[] {
  const url = new URL(`../../../../vectors/security-messages/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8'))
}

test('what every row of a message repeats may not be long', () => {
  const long = 'x'.repeat(129)
  assert.match(refusal({ ...envelope, AgentVersion: long }), /AgentVersion: .* 128 characters/)
  const local = { ...event, TimestampLocal: long }
  const { rejections } = decodeMessage(message({ ...envelope, Events: [local] }), receivedMs)
  assert.match(rejections[0]?.reason ?? '', /TimestampLocal: .* 64 characters/)
})
