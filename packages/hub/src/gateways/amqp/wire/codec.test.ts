import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import rhea from 'rhea'
import { Reader } from './decode.ts'
import { encode } from './encode.ts'
import { Fault } from './fault.ts'
import { encodeFrame, FrameReader } from './frames.ts'
import { decodeMessage, encodeMessage } from './message.ts'
import {
  AmqpMap,
  type AmqpValue,
  Described,
  int,
  integerOf,
  long,
  symbol,
  Typed,
  textOf,
  timestamp,
  ubyte,
  uint,
  ulong,
  ushort,
  uuid,
} from './values.ts'

function decode(bytes: Buffer): AmqpValue {
  const reader = new Reader(bytes)
  const value = reader.read()
  assert.equal(reader.remaining, 0)
  return value
}

/** A value and what it is read as. */
const scalar: fc.Arbitrary<readonly [AmqpValue, AmqpValue]> = fc.oneof(
  fc.constant([null, null] as const),
  fc.boolean().map((value) => [value, value] as const),
  fc.string({ unit: 'grapheme', maxLength: 300 }).map((value) => [value, value] as const),
  fc.string({ maxLength: 300 }).map((value) => [symbol(value), value] as const),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => {
    const value = Buffer.from(bytes)
    return [value, value] as const
  }),
  fc.nat(0xff).map((value) => [ubyte(value), value] as const),
  fc.nat(0xffff).map((value) => [ushort(value), value] as const),
  fc.nat(0xffffffff).map((value) => [uint(value), value] as const),
  fc.integer().map((value) => [int(value), value] as const),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => [ulong(value), ulong(value)] as const),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((value) => [long(value), long(value)] as const),
  fc.maxSafeInteger().map((value) => [timestamp(value), timestamp(value)] as const),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => {
    const value = uuid(Buffer.from(bytes))
    return [value, value] as const
  }),
)
const { value: anyValue } = fc.letrec<{ value: readonly [AmqpValue, AmqpValue] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc
      .array(tie('value'), { maxLength: 4 })
      .map((items) => [items.map(([given]) => given), items.map(([, read]) => read)] as const),
    fc
      .array(fc.tuple(fc.string(), tie('value')), { maxLength: 4 })
      .map(
        (pairs) =>
          [
            new AmqpMap(pairs.map(([key, [given]]) => [key, given])),
            new AmqpMap(pairs.map(([key, [, read]]) => [key, read])),
          ] as const,
      ),
    fc
      .tuple(fc.nat(0xff), tie('value'))
      .map(
        ([code, [given, read]]) =>
          [new Described(ulong(code), given), new Described(ulong(code), read)] as const,
      ),
  ),
}))

test('codec: every value comes back as it was written', () => {
  fc.assert(
    fc.property(anyValue, ([given, read]) => {
      assert.deepEqual(decode(encode(given)), read)
    }),
    { numRuns: 300 },
  )
})

test('codec: whatever bytes come, they are a value or a decode-error, and cost no more than they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        new Reader(Buffer.from(bytes)).read()
      } catch (error) {
        assert.ok(error instanceof Fault)
      }
    }),
    { numRuns: 2000 },
  )
  for (const hex of [
    // Four billion nulls in ten bytes; a list and a map of as many.
    'f000000005ffffffff40',
    'd000000004ffffffff',
    'd100000004ffffffff',
    'b0ffffffff',
    // A map with a key and no value; bytes behind the items of a list.
    'c1020140',
    'c003014040',
    '00',
    '0000000000',
  ]) {
    assert.throws(
      () => new Reader(Buffer.from(hex, 'hex')).read(),
      { condition: 'amqp:decode-error' },
      hex,
    )
  }
  const deep = Buffer.from('c0ff01'.repeat(2), 'hex')
  assert.throws(() => new Reader(deep).read(), Fault)
  let nested: AmqpValue = []
  for (let n = 0; n < 40; n++) nested = [nested]
  assert.throws(() => decode(encode(nested)), /nested/)
})

test('codec: messages of another implementation are read, and it reads ours', () => {
  const theirs = rhea.message.encode({
    message_id: 'm-1',
    correlation_id: Buffer.alloc(16, 3),
    content_type: 'text/plain',
    creation_time: 1_700_000_000_000,
    application_properties: { a: 'b', n: 5, '': null },
    message_annotations: { 'x-opt': 'y' },
    body: rhea.message.data_sections([Buffer.from('one'), Buffer.from('two')]),
  })
  const read = decodeMessage(theirs)
  assert.equal(read.properties.messageId, 'm-1')
  assert.deepEqual(read.properties.correlationId, uuid(Buffer.alloc(16, 3)))
  assert.equal(textOf(read.properties.creationTime ?? null), '2023-11-14T22:13:20.000Z')
  assert.equal(integerOf(read.application.get('n')), 5)
  assert.equal(read.annotations.get('x-opt'), 'y')
  assert.deepEqual(read.data.map(String), ['one', 'two'])
  const ours = rhea.message.decode(
    encodeMessage({
      properties: { messageId: ulong(7), to: '/x', contentType: symbol('text/plain') },
      annotations: new AmqpMap([[symbol('at'), timestamp(5)]]),
      application: new AmqpMap([['large', 'x'.repeat(70_000)]]),
      body: Buffer.from('body'),
    }),
  )
  assert.deepEqual([ours.message_id, ours.to, ours.content_type], [7, '/x', 'text/plain'])
  assert.equal(Number(ours.message_annotations.at), 5)
  assert.equal(ours.application_properties.large.length, 70_000)
  assert.equal(String(ours.body.content), 'body')
})

test('values: what has a text has the one of a property bag, and only integers are integers', () => {
  assert.equal(textOf(Buffer.from([0xff, 0xfe])), '//4=')
  assert.equal(textOf(uuid(Buffer.alloc(16))), '00000000-0000-0000-0000-000000000000')
  assert.equal(textOf(new Typed('timestamp', 9e15)), undefined)
  assert.equal(textOf([]), undefined)
  assert.equal(integerOf(ulong(2n ** 60n)), undefined)
  assert.equal(integerOf(1.5), undefined)
})

test('frames: however the bytes are cut, the same frames come out', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 8 })
  const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(bodies, sizes, (given, steps) => {
      const bytes = Buffer.concat(given.map((body, n) => encodeFrame(0, n, Buffer.from(body))))
      const reader = new FrameReader()
      const read: Buffer[] = []
      for (let at = 0, n = 0; at < bytes.length; n++) {
        const step = steps[n % steps.length] ?? 1
        reader.push(bytes.subarray(at, at + step))
        at += step
        for (let frame = reader.next(1000); frame; frame = reader.next(1000)) read.push(frame.body)
      }
      assert.deepEqual(
        read,
        given.map((body) => Buffer.from(body)),
      )
      assert.ok(reader.isEmpty)
    }),
    { numRuns: 200 },
  )
})
