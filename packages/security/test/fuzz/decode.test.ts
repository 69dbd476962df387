import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { decodeMessage } from '../../src/ingestion/decode.ts'
import { normalise } from '../../src/ingestion/normalise.ts'
import type { SecurityMessage } from '../../src/platform.ts'

const receivedMs = Date.parse('2019-11-02T08:20:00Z')
const vectors = new URL('../../../../vectors/security-messages/accepted.json', import.meta.url)
const messages: { Events: unknown[] }[] = JSON.parse(readFileSync(vectors, 'utf8')).map(
  (vector: { message: unknown }) => vector.message,
)

const binaryVectors = new URL('../../../../vectors/security-messages/binary.json', import.meta.url)
const binaries: Buffer[] = JSON.parse(readFileSync(binaryVectors, 'utf8')).map(
  ({ hex }: { hex: string }) => Buffer.from(hex, 'hex'),
)

function decode(body: Uint8Array, application: SecurityMessage['application'] = {}) {
  const message: SecurityMessage = {
    ref: { deviceId: 'pump-1', moduleId: 'azureiotsecurity' },
    system: {},
    application,
    body,
    sequence: 1,
    enqueuedTimeMs: receivedMs,
  }
  return decodeMessage(message, receivedMs)
}

/** Decodes, normalises, and checks that nothing of the message got lost without a reason. */
function decodeAndAccount(body: Uint8Array): void {
  const { events, rejections, schema } = decode(body)
  if (schema === '') {
    assert.equal(events.length, 0)
    assert.equal(rejections.length, 1)
  } else {
    assert.equal(
      events.length + rejections.length,
      JSON.parse(Buffer.from(body).toString()).Events.length,
    )
  }
  for (const { reason, excerpt } of rejections) {
    assert.ok(reason.length > 0 && reason.length < 500, reason)
    assert.ok(Buffer.byteLength(excerpt) <= 4096 + 3)
  }
  for (const event of events) {
    const { timeMs } = event.header
    assert.ok(timeMs >= receivedMs - 30 * 86_400_000 && timeMs <= receivedMs + 600_000)
    for (const record of normalise(event)) assert.ok(record.hits >= 1)
    JSON.stringify(event.payload)
  }
}

/** Values that look at home in a security message, and values that do not. */
const member = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom(
    '',
    '0',
    '*',
    'tcp6',
    'Periodic',
    'Aggregated',
    '2.0',
    '127.0.0.1',
    '::',
    'Login',
  ),
  fc.constantFrom(0, -1, 0.5, 1e300, true, false, null, [], {}, [[]], [{}]),
)
const name = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', 'Payload', 'HitCount', 'ExtraDetails'),
  fc.string({ maxLength: 8 }),
)

test('fuzz: whatever the bytes are, decoding does not throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodeAndAccount), fuzzRuns(2_000))
})

test('fuzz: whatever the JSON is, decoding does not throw', () => {
  const body = fc.json({ maxDepth: 6 }).map((text) => Buffer.from(text))
  fc.assert(fc.property(body, decodeAndAccount), fuzzRuns(2_000))
})

test('fuzz: a changed message accounts for every event in it', () => {
  const change = fc.record({ path: fc.array(fc.nat(), { maxLength: 6 }), name, member })
  const changed = fc
    .tuple(fc.constantFrom(...messages), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([message, changes]) => {
      const copy = JSON.parse(JSON.stringify(message))
      // A member that is shared could be put into itself, which no JSON says.
      for (const { path, name, member } of changes) {
        mutate(copy, path, name, JSON.parse(JSON.stringify(member)))
      }
      return Buffer.from(JSON.stringify(copy))
    })
  fc.assert(fc.property(changed, decodeAndAccount), fuzzRuns(5_000))
})

test('fuzz: a message with changed bytes accounts for every event in it', () => {
  const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }))
  const changed = fc
    .tuple(fc.constantFrom(...messages), fc.array(change, { minLength: 1, maxLength: 5 }))
    .map(([message, changes]) => {
      const bytes = Buffer.from(JSON.stringify(message))
      for (const [place, byte] of changes) bytes[place % bytes.length] = byte
      return bytes
    })
  fc.assert(fc.property(changed, decodeAndAccount), fuzzRuns(3_000))
})

/** Whatever the bytes are: events, or a reason that a person can read. Never anything else. */
function decodeBinary(body: Uint8Array): void {
  const started = process.hrtime.bigint()
  const { events, rejections, schema } = decode(body, { mti: '2.3-1-0-0' })
  if (schema === '') assert.equal(rejections.length, 1)
  assert.ok(events.length + rejections.length >= 1)
  for (const { reason } of rejections) assert.ok(reason.length > 0 && reason.length < 500, reason)
  for (const event of events) {
    const { timeMs } = event.header
    assert.ok(timeMs >= receivedMs - 30 * 86_400_000 && timeMs <= receivedMs + 600_000)
    for (const record of normalise(event)) assert.ok(record.hits >= 1)
  }
  // Far above what any of these takes, far below what one that unfolds without end would.
  assert.ok(process.hrtime.bigint() - started < 5_000_000_000n)
}

test('fuzz: whatever the bytes are, a binary message is read or refused', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), decodeBinary), fuzzRuns(5_000))
})

test('fuzz: a binary message that ends early is read or refused', () => {
  const cut = fc
    .tuple(fc.constantFrom(...binaries), fc.nat())
    .map(([bytes, length]) => bytes.subarray(0, length % (bytes.length + 1)))
  fc.assert(fc.property(cut, decodeBinary), fuzzRuns(2_000))
})

test('fuzz: a binary message with changed bytes and offsets is read or refused', () => {
  const change = fc.tuple(
    fc.nat(),
    fc.oneof(
      fc.nat({ max: 255 }),
      fc.constantFrom(0x7fffffff, 0xffffffff, 0x80000000, 0x10000, 4, 0),
    ),
  )
  const changed = fc
    .tuple(fc.constantFrom(...binaries), fc.array(change, { minLength: 1, maxLength: 6 }))
    .map(([bytes, changes]) => {
      const copy = Buffer.from(bytes)
      for (const [place, value] of changes) {
        if (copy.length === 0) break
        const at = place % copy.length
        if (value > 255 && at + 4 <= copy.length) copy.writeUInt32LE(value, at)
        else copy[at] = value
      }
      return copy
    })
  fc.assert(fc.property(changed, decodeBinary), fuzzRuns(10_000))
})

test('fuzz: a large binary message of repeated words takes no more than linear time', () => {
  const word = fc.constantFrom(1, 2, 4, 8, 12, 16, 64, 250, 1_000, 60_000)
  const large = fc.array(word, { minLength: 4, maxLength: 64 }).map((words) => {
    const bytes = Buffer.alloc(256 * 1024)
    for (let at = 0; at < bytes.length; at += 4) {
      bytes.writeUInt32LE(words[(at / 4) % words.length] ?? 0, at)
    }
    return bytes
  })
  fc.assert(fc.property(large, decodeBinary), fuzzRuns(100))
})

/** Walks down the path and sets or removes a member where it ends. */
function mutate(value: unknown, path: readonly number[], name: string, member: unknown): void {
  if (typeof value !== 'object' || value === null) return
  const container = value as Record<string, unknown>
  const keys = Object.keys(container)
  const [step = 0, ...rest] = path
  const key = keys[step % (keys.length + 1)]
  if (key !== undefined && rest.length > 0) mutate(container[key], rest, name, member)
  else if (key !== undefined && step % 3 === 0) delete container[key]
  else if (key !== undefined) define(container, key, member)
  // An array's own `length` cannot be defined anew, and JSON keeps only its elements anyway.
  else if (Array.isArray(value)) value.push(member)
  else define(container, name, member)
}

function define(container: object, key: string, value: unknown): void {
  Object.defineProperty(container, key, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  })
}
