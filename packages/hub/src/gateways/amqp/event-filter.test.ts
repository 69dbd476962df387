import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseExpression, readEventFilter } from './event-filter.ts'
import { Reader } from './wire/decode.ts'
import { encode } from './wire/encode.ts'
import { AmqpMap, type AmqpValue, Described, symbol, ulong } from './wire/values.ts'

const SELECTOR = 'apache.org:selector-filter:string'
const at = (sequence: number) => ({ kind: 'sequence', sequence, isInclusive: true })
const after = (sequence: number) => ({ kind: 'sequence', sequence, isInclusive: false })
const afterTime = (timeMs: number) => ({ kind: 'time', timeMs, isInclusive: false })

// What the clients send: @azure/event-hubs, Python, Java, .NET, Go, the C SDK and older Node clients.
for (const [text, expected] of [
  ["amqp.annotation.x-opt-offset > '-1'", { kind: 'earliest' }],
  ["amqp.annotation.x-opt-offset >= '-1'", { kind: 'earliest' }],
  ["amqp.annotation.x-opt-offset > '@latest'", { kind: 'latest' }],
  ["amqp.annotation.x-opt-offset >= '@latest'", { kind: 'latest' }],
  ["amqp.annotation.x-opt-offset > '42'", after(42)],
  ["amqp.annotation.x-opt-offset >= '42'", at(42)],
  ["amqp.annotation.x-opt-sequence-number > '7'", after(7)],
  ["amqp.annotation.x-opt-sequence-number >= '0'", at(0)],
  ['amqp.annotation.x-opt-sequence-number > 2995', after(2995)],
  ["amqp.annotation.x-opt-sequence-number > '-1'", { kind: 'earliest' }],
  ["amqp.annotation.x-opt-enqueued-time > '1537406052971'", afterTime(1_537_406_052_971)],
  ['amqp.annotation.x-opt-enqueued-time > 1537406052971', afterTime(1_537_406_052_971)],
  ["amqp.annotation.x-opt-enqueued-time > '1537406052971.0'", afterTime(1_537_406_052_971)],
  ["amqp.annotation.x-opt-enqueued-time >= '5'", { kind: 'time', timeMs: 5, isInclusive: true }],
  ['amqp.annotation.x-opt-enqueuedtimeutc > 1518731960545', afterTime(1_518_731_960_545)],
  ["amqp.annotation.x-opt-enqueuedtimeutc > '1518731960545'", afterTime(1_518_731_960_545)],
  ["  AMQP.annotation.X-Opt-Offset>'3' ", after(3)],
] as const) {
  test(`parseExpression: ${text}`, () => assert.deepEqual(parseExpression(text), expected))
}

for (const text of [
  '',
  'x-opt-offset > 1',
  "amqp.annotation.x-opt-offset < '1'",
  "amqp.annotation.x-opt-offset = '1'",
  "amqp.annotation.x-opt-offset > 'one'",
  "amqp.annotation.x-opt-offset > '1",
  "amqp.annotation.x-opt-offset > '99999999999999999999'",
  "amqp.annotation.x-opt-enqueued-time > '@latest'",
  "amqp.annotation.x-opt-enqueued-time > '-1'",
  "amqp.annotation.x-opt-publisher > 'a'",
  "amqp.annotation.x-opt-offset > '1' AND colour = 'red'",
  `amqp.annotation.x-opt-offset > '1'${' '.repeat(300)}`,
]) {
  test(`parseExpression: "${text.slice(0, 60)}" is refused`, () => {
    assert.throws(() => parseExpression(text), { code: 'ArgumentInvalid' })
  })
}

test('readEventFilter: without a filter a reader starts at the oldest event', () => {
  assert.deepEqual(readEventFilter(new AmqpMap([])).start, { kind: 'earliest' })
  assert.deepEqual(readEventFilter(new AmqpMap([[SELECTOR, null]])).start, { kind: 'earliest' })
})

test('readEventFilter: with a descriptor as number or symbol, or none, as text or bytes', () => {
  const text = "amqp.annotation.x-opt-offset > '1'"
  const values: readonly AmqpValue[] = [
    new Described(ulong(0x468c00000004n), text),
    new Described(symbol(SELECTOR), text),
    new Described(symbol(SELECTOR), Buffer.from(text)),
    text,
  ]
  for (const value of values) {
    const sent = new Reader(encode(new AmqpMap([[symbol(SELECTOR), value]]))).read() as AmqpMap
    const { start, confirmed } = readEventFilter(sent)
    assert.deepEqual(start, after(1))
    assert.ok(encode(confirmed).includes(text))
  }
})

test('readEventFilter: a filter that is not understood is refused by its name', () => {
  const other = new AmqpMap([['apache.org:no-local-filter:list', []]])
  assert.throws(() => readEventFilter(other), {
    code: 'ArgumentInvalid',
    message: /apache\.org:no-local-filter:list/,
  })
  assert.throws(() => readEventFilter(new AmqpMap([[SELECTOR, 5]])), { code: 'ArgumentInvalid' })
  assert.throws(() => readEventFilter(new AmqpMap([[null, null]])), { code: 'ArgumentInvalid' })
})
