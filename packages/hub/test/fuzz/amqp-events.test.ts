import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { formatSas, HubError } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { MemoryEventLog } from '../../src/adapters/memory/event-log.ts'
import { parseExpression, readEventFilter } from '../../src/gateways/amqp/event-filter.ts'
import { encodeFrame } from '../../src/gateways/amqp/wire/frames.ts'
import { decodeMessage, encodeMessage } from '../../src/gateways/amqp/wire/message.ts'
import { CODE, composite, encodePerformative } from '../../src/gateways/amqp/wire/performatives.ts'
import {
  AmqpMap,
  type AmqpValue,
  Described,
  symbol,
  Typed,
  uint,
  ulong,
} from '../../src/gateways/amqp/wire/values.ts'
import { type Log, silentLog } from '../../src/log.ts'
import { message } from '../contracts/event-log.ts'
import { until } from '../hub.ts'
import { amqpBench, type RawPeer } from '../raw-amqp.ts'

/** Repeatable; change it to look elsewhere. */
const SEED = 20_260_301
const SELECTOR = 'apache.org:selector-filter:string'

const nearExpression = fc
  .tuple(
    fc.constantFrom('amqp.annotation.', 'AMQP.annotation.', '', 'amqp.'),
    fc.constantFrom(
      ...['x-opt-offset', 'x-opt-sequence-number', 'x-opt-enqueued-time'],
      ...['x-opt-enqueuedtimeutc', 'x-opt-publisher', '__proto__'],
    ),
    fc.constantFrom('>', '>=', '<', '=', ' > ', ' >= ', '>>'),
    fc.constantFrom("'", '"', ''),
    fc.oneof(
      fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
      fc.constantFrom('@latest', '-1', '1e9', 'NaN', '', "' OR '1", '0x10', '12.5'),
      fc.string({ maxLength: 20 }),
    ),
  )
  .map(([prefix, field, operator, quote, operand]) =>
    [prefix, field, operator, quote, operand, quote].join(''),
  )
const anyExpression = fc.oneof(nearExpression, fc.string({ maxLength: 300, unit: 'binary' }))

test('parseExpression: any text is a start that can be served, or refused with a reason', () => {
  const property = fc.property(anyExpression, (text) => {
    try {
      const start = parseExpression(text)
      if (start.kind === 'sequence') assert.ok(Number.isSafeInteger(start.sequence))
      if (start.kind === 'sequence') assert.ok(start.sequence >= 0)
      if (start.kind === 'time') assert.ok(Number.isSafeInteger(start.timeMs))
    } catch (error) {
      assert.ok(error instanceof HubError && error.code === 'ArgumentInvalid')
      assert.ok(error.message.length < 500)
    }
  })
  fc.assert(property, fuzzRuns(2000, SEED))
})

test('parseExpression: long texts made to be slow are refused at once', () => {
  for (const text of [
    `amqp.annotation.${'x-'.repeat(100_000)} > '1'`,
    `amqp.annotation.x-opt-offset${' '.repeat(100_000)}> '1'`,
    `${' '.repeat(200_000)}x`,
  ]) {
    const startMs = performance.now()
    assert.throws(() => parseExpression(text))
    assert.ok(performance.now() - startMs < 100)
  }
})

const anyScalar: fc.Arbitrary<AmqpValue> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  anyExpression,
  fc.nat(9).map(uint),
  fc.bigInt({ min: -9n, max: 9n }).map((value) => new Typed('long', value)),
  fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
)
const anyFilter = fc
  .array(
    fc.tuple(
      fc.constantFrom(SELECTOR, SELECTOR, 'apache.org:no-local-filter:list', ''),
      fc.oneof(
        anyScalar,
        fc.tuple(anyScalar, anyScalar).map(([code, value]) => new Described(code, value)),
        anyExpression.map((text) => new Described(ulong(0x468c00000004n), text)),
      ),
    ),
    { maxLength: 3 },
  )
  .map((entries) => new AmqpMap(entries))

test('readEventFilter: any map is understood or refused by name', () => {
  const property = fc.property(anyFilter, (filter) => {
    try {
      readEventFilter(filter)
    } catch (error) {
      assert.ok(error instanceof HubError && error.code === 'ArgumentInvalid')
    }
  })
  fc.assert(property, fuzzRuns(500, SEED))
})

const symbolic = (map: AmqpMap) =>
  new AmqpMap(map.entries.map(([key, value]) => [symbol(String(key)), value]))
const anyHandle = fc.integer({ min: 2, max: 6 })
const READABLE = 'messages/events/ConsumerGroups/$Default/Partitions'
const anyAddress = fc.constantFrom(
  ...[`${READABLE}/0`, `${READABLE}/0`, `${READABLE}/1`, `${READABLE}/9`],
  ...['localhost/ConsumerGroups/$security/Partitions/0', 'messages/events/x'],
  ...['messages/events/$management', '$management', 'localhost/ConsumerGroups/x/Partitions/0'],
)

const anyAttach = fc
  .record({
    handle: anyHandle,
    isReceiver: fc.boolean(),
    address: anyAddress,
    filter: fc.oneof({ weight: 3, arbitrary: fc.constant(new AmqpMap([])) }, anyFilter),
    epoch: fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, anyScalar),
    capability: fc.constantFrom('com.microsoft:enable-receiver-runtime-metric', 'other'),
  })
  .map(({ handle, isReceiver, address, filter, epoch, capability }) => {
    const rest = [null, null, null, null, null, null, symbolic(filter)]
    const properties = new AmqpMap([[symbol('com.microsoft:epoch'), epoch]])
    return performative(CODE.attach, [
      ...[`link-${handle}`, uint(handle), isReceiver, null, null],
      composite(CODE.source, [address, ...rest]),
      composite(CODE.target, [address]),
      ...[null, null, isReceiver ? null : uint(0), null, null, symbol(capability), properties],
    ])
  })

const anyFlow = fc
  .tuple(fc.nat(300), anyHandle, fc.nat(5), fc.nat(50), fc.boolean(), fc.boolean())
  .map(([window, handle, count, credit, drain, echo]) =>
    performative(CODE.flow, [
      ...[uint(0), uint(window), uint(0), uint(9)],
      ...[uint(handle), uint(count), uint(credit), null, drain, echo],
    ]),
  )

const anyRequest = fc
  .record({
    handle: anyHandle,
    id: fc.nat(9),
    operation: fc.oneof(fc.constant('READ' as AmqpValue), anyScalar),
    name: fc.oneof(fc.constantFrom<AmqpValue>('localhost', 'messages/events', 'x'), anyScalar),
    type: fc.oneof(
      fc.constantFrom<AmqpValue>('com.microsoft:eventhub', 'com.microsoft:partition'),
      anyScalar,
    ),
    partition: fc.oneof(fc.constantFrom<AmqpValue>('0', '4'), anyScalar),
    messageId: anyScalar,
    replyTo: anyScalar,
  })
  .map(({ handle, id, messageId, replyTo, ...properties }) => {
    const payload = encodeMessage({
      properties: { messageId, replyTo },
      application: new AmqpMap(Object.entries(properties)),
      body: Buffer.from('[]'),
    })
    const fields = [uint(handle), uint(id), Buffer.from('t'), uint(0), false]
    return encodeFrame(0, 0, encodePerformative(CODE.transfer, fields), payload)
  })

const anyOther = fc.oneof(
  anyHandle.map((handle) => performative(CODE.detach, [uint(handle), true])),
  fc
    .tuple(fc.nat(9), fc.nat(9))
    .map(([first, last]) => performative(CODE.disposition, [true, uint(first), uint(last), true])),
)
const anyFrame = fc.oneof(
  { weight: 4, arbitrary: anyAttach },
  { weight: 4, arbitrary: anyFlow },
  { weight: 2, arbitrary: anyRequest },
  anyOther,
)

function performative(code: number, fields: readonly (AmqpValue | undefined)[]): Buffer {
  return encodeFrame(0, 0, encodePerformative(code, fields))
}

function bench() {
  const bugs: unknown[] = []
  const log: Log = { ...silentLog, error: (fields) => bugs.push(fields) }
  const eventLog = new MemoryEventLog()
  return { ...amqpBench({ log, eventLog }), eventLog, bugs }
}
type Bench = ReturnType<typeof bench>

async function openReader({ hub, clock, connect }: Bench): Promise<RawPeer> {
  const peer = connect().open()
  const policy = hub.policies.find(({ name }) => name === 'iothubowner')
  const sign = (text: string) =>
    createHmac('sha256', policy?.primaryKey ?? '')
      .update(text)
      .digest('base64')
  const expiresAtS = Math.floor(clock.now() / 1000) + 3600
  const token = formatSas('sb://localhost/', expiresAtS, sign, 'iothubowner')
  peer.attach(0, '$cbs').attach(1, '$cbs', true)
  peer.send(CODE.flow, [uint(0), uint(2048), uint(0), uint(9), uint(1), uint(0), uint(9)])
  const request = encodeMessage({
    properties: { messageId: 'id' },
    application: new AmqpMap([
      ['operation', 'put-token'],
      ['type', 'servicebus.windows.net:sastoken'],
      ['name', 'sb://localhost/'],
    ]),
    value: token,
  })
  peer.transfer([uint(0), uint(0), Buffer.from('t'), uint(0), true], request)
  await peer.got(CODE.transfer)
  return peer
}

test('amqp: whatever an event reader does, its neighbour gets every event in order', async () => {
  const b = bench()
  const frames = fc.array(anyFrame, { minLength: 1, maxLength: 40 })
  let stored = 0
  const store = async () => {
    await b.eventLog.append('telemetry', 0, message({ text: String(stored++) }))
    b.hub.bus.publish({ kind: 'messages-stored', stream: 'telemetry' })
  }
  await b.hub.events.groups.put('neighbours')
  const property = fc.asyncProperty(frames, fc.constantFrom(1, 50, 5000), async (sent, size) => {
    await b.eventLog.trim('telemetry', 0, await b.eventLog.head('telemetry', 0))
    stored = 0
    b.bugs.length = 0
    const neighbour = await openReader(b)
    neighbour.attach(2, 'messages/events/ConsumerGroups/neighbours/Partitions/0', true)
    const grant = [uint(0), uint(2048), uint(0), uint(9), uint(2), uint(0), uint(100_000)]
    neighbour.send(CODE.flow, grant)
    const peer = await openReader(b)
    const bytes = Buffer.concat(sent)
    for (let at = 0; at < bytes.length; at += size) peer.raw(bytes.subarray(at, at + size))
    for (let n = 0; n < 5; n++) await store()
    await new Promise((resolve) => setImmediate(resolve))
    peer.stream.end()
    await peer.closed()
    const events = () =>
      neighbour.received.filter(
        ({ code, fields }) => code === CODE.transfer && fields.uint(0) === 2,
      )
    await until(() => events().length === stored, 'every event at the neighbour')
    const texts = events().map(({ payload }) => String(decodeMessage(payload).data[0]))
    assert.deepEqual(
      texts,
      Array.from({ length: stored }, (_, n) => String(n)),
    )
    neighbour.stream.destroy()
    await until(() => b.hub.events.count === 0 && b.gateway.connectionCount === 0, 'the end of all')
    assert.deepEqual(b.bugs.splice(0), [])
  })
  await fc.assert(property, fuzzRuns(40, SEED))
  await b[Symbol.asyncDispose]()
})
