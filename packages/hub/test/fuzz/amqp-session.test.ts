import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { encodeFrame, SASL_HEADER } from '../../src/gateways/amqp/wire/frames.ts'
import { encodeMessage } from '../../src/gateways/amqp/wire/message.ts'
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
import { deviceToken } from '../amqp-hub.ts'
import { until } from '../hub.ts'
import { type AmqpBench, amqpBench, type RawPeer } from '../raw-amqp.ts'

/** Repeatable; change it to look elsewhere. */
const SEED = 20_260_114
const PUMP = { deviceId: 'pump-1' }
const ADDRESSES = [
  '$cbs',
  '/devices/pump-1/messages/events',
  '/devices/pump-1/messages/devicebound',
  '/devices/pump-1/twin',
  '/devices/pump-1/methods/devicebound',
  '/devices/pump-2/twin',
  '/messages/devicebound',
  '/messages/serviceBound/feedback',
  '/messages/events/$management',
  'localhost/ConsumerGroups/$Default/Partitions/0',
  '/nowhere',
]

const anyScalar: fc.Arbitrary<AmqpValue> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.string({ maxLength: 9 }),
  fc.nat(0xffffffff).map(uint),
  fc.nat(9).map(uint),
  fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }).map(ulong),
  fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: -9, max: 9 }).map((ms) => new Typed('timestamp', ms)),
  fc.constantFrom('accepted', 'operation', 'resource').map(symbol),
)
const anyValue: fc.Arbitrary<AmqpValue> = fc.oneof(
  { weight: 5, arbitrary: anyScalar },
  fc.array(anyScalar, { maxLength: 4 }),
  fc.array(fc.tuple(anyScalar, anyScalar), { maxLength: 3 }).map((pairs) => new AmqpMap(pairs)),
  fc
    .tuple(
      fc.constantFrom(0x1d, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29),
      fc.array(anyScalar, { maxLength: 4 }),
    )
    .map(([code, fields]) => composite(code, fields)),
  fc.tuple(anyScalar, anyScalar).map(([descriptor, value]) => new Described(descriptor, value)),
)

const anyChannel = fc.constantFrom(0, 0, 0, 1, 2)
const anyHandle = fc.nat(5)
const anyBytes = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))

const twinRequest = fc
  .tuple(fc.constantFrom('GET', 'PATCH', 'PUT', 'DELETE', 'DANCE'), anyScalar, anyBytes)
  .map(([operation, correlationId, body]) =>
    encodeMessage({
      annotations: new AmqpMap([
        [symbol('operation'), operation],
        [symbol('resource'), '/properties/reported'],
      ]),
      properties: { correlationId, to: ADDRESSES[1] ?? '' },
      body,
    }),
  )
const anyPayload = fc.oneof(anyBytes, twinRequest)

/** Something to do on a connection, most of it in good form and at the wrong time. */
const anyFrame: fc.Arbitrary<Buffer> = fc.oneof(
  frame(fc.constant(CODE.begin), fc.constant([null, uint(0), uint(9), uint(9)])),
  frame(
    fc.constant(CODE.attach),
    fc
      .tuple(anyHandle, fc.boolean(), fc.constantFrom(...ADDRESSES), fc.nat(2), fc.nat(1))
      .map(([handle, isReceiver, address, sndMode, rcvMode]) => [
        `link-${handle}`,
        uint(handle),
        isReceiver,
        new Typed('ubyte', sndMode),
        new Typed('ubyte', rcvMode),
        composite(CODE.source, [address]),
        composite(CODE.target, [address]),
      ]),
  ),
  frame(
    fc.constant(CODE.flow),
    fc
      .tuple(fc.nat(9), fc.nat(300), anyHandle, fc.nat(3), fc.nat(50), fc.boolean(), fc.boolean())
      .map(([next, window, handle, count, credit, drain, echo]) => [
        ...[uint(next), uint(window), uint(0), uint(9)],
        ...[uint(handle), uint(count), uint(credit), null, drain, echo],
      ]),
  ),
  fc
    .tuple(anyChannel, anyHandle, fc.nat(9), fc.boolean(), fc.boolean(), fc.boolean(), anyPayload)
    .map(([channel, handle, id, isSettled, hasMore, isAborted, payload]) =>
      encodeFrame(
        0,
        channel,
        encodePerformative(CODE.transfer, [
          ...[uint(handle), uint(id), Buffer.from('t'), uint(0), isSettled, hasMore],
          ...[null, null, null, isAborted && hasMore],
        ]),
        payload,
      ),
    ),
  frame(
    fc.constant(CODE.disposition),
    fc
      .tuple(fc.boolean(), fc.nat(20), fc.nat(0xffffffff), fc.boolean(), anyValue)
      .map(([role, first, last, isSettled, state]) => [
        role,
        uint(first),
        uint(last),
        isSettled,
        state,
      ]),
  ),
  frame(
    fc.constant(CODE.detach),
    anyHandle.map((handle) => [uint(handle), true]),
  ),
  frame(fc.constant(CODE.end), fc.constant([])),
  frame(fc.constantFrom(...Object.values(CODE)), fc.array(anyValue, { maxLength: 12 })),
)

function frame(
  code: fc.Arbitrary<number>,
  fields: fc.Arbitrary<readonly AmqpValue[]>,
): fc.Arbitrary<Buffer> {
  return fc
    .tuple(anyChannel, code, fields)
    .map(([channel, kind, values]) => encodeFrame(0, channel, encodePerformative(kind, values)))
}

/** A neighbour works as before, and nothing has hit a bug. */
async function isUnharmed(b: AmqpBench, bugs: unknown[]): Promise<void> {
  assert.deepEqual(bugs.splice(0), [])
  const peer = b.connect().open()
  await authenticate(b, peer, 'pump-9')
  peer.attach(4, '/devices/pump-9/messages/events')
  await peer.got(CODE.flow, 1)
  peer.transfer(
    [uint(4), uint(1), Buffer.from('t'), uint(0), false],
    encodeMessage({ body: Buffer.from('x') }),
  )
  await peer.got(CODE.disposition)
  peer.stream.destroy()
  await until(() => b.gateway.connectionCount === 0 && b.hub.sessions.count === 0, 'the end of all')
}

async function authenticate(b: AmqpBench, peer: RawPeer, deviceId: string): Promise<void> {
  const token = await deviceToken(b.hub, { deviceId })
  peer.attach(0, '$cbs').attach(1, '$cbs', true)
  peer.send(CODE.flow, [uint(0), uint(2048), uint(0), uint(9), uint(1), uint(0), uint(9)])
  const request = encodeMessage({
    properties: { messageId: 'id' },
    application: new AmqpMap([
      ['operation', 'put-token'],
      ['type', 'servicebus.windows.net:sastoken'],
      ['name', `localhost/devices/${deviceId}`],
    ]),
    value: token,
  })
  peer.transfer([uint(0), uint(0), Buffer.from('t'), uint(0), true], request)
  await peer.got(CODE.transfer)
}

function bench(): { readonly b: AmqpBench; readonly bugs: unknown[] } {
  const bugs: unknown[] = []
  const log: Log = { ...silentLog, error: (fields) => bugs.push(fields) }
  return { b: amqpBench({ log }), bugs }
}

test('amqp: whatever frames an authenticated peer sends, in whatever order, nobody else is harmed', async () => {
  const { b, bugs } = bench()
  const frames = fc.array(anyFrame, { minLength: 1, maxLength: 40 })
  const chunkSize = fc.constantFrom(1, 7, 50, 5000)
  const property = fc.asyncProperty(frames, chunkSize, async (sent, size) => {
    const peer = b.connect().open()
    await authenticate(b, peer, PUMP.deviceId)
    await b.hub.cloudMessages
      .send(PUMP, { system: {}, ack: 'full', application: {}, body: Buffer.from('x') })
      .catch(() => {})
    const bytes = Buffer.concat(sent)
    for (let at = 0; at < bytes.length; at += size) peer.raw(bytes.subarray(at, at + size))
    peer.raw(encodeFrame(0, 0))
    await new Promise((resolve) => setImmediate(resolve))
    await b.hub.twins.patch(PUMP, { desired: { n: sent.length } })
    b.clock.advance(2000)
    peer.stream.end()
    await peer.closed()
    await isUnharmed(b, bugs)
  })
  await fc.assert(property, fuzzRuns(40, SEED))
  await b[Symbol.asyncDispose]()
})

test('amqp: whatever bytes come before or after the header, the connection ends and no bug shows', async () => {
  const { b, bugs } = bench()
  const start = fc.constantFrom('none', 'sasl', 'plain', 'open')
  const bytes = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 5 })
  const property = fc.asyncProperty(start, bytes, async (from, chunks) => {
    const peer = b.connect()
    if (from === 'sasl') peer.header(SASL_HEADER)
    if (from === 'plain') peer.header()
    if (from === 'open') peer.open()
    for (const chunk of chunks) peer.raw(Buffer.from(chunk))
    peer.stream.end()
    await peer.closed()
    await isUnharmed(b, bugs)
  })
  await fc.assert(property, fuzzRuns(40, SEED))
  await b[Symbol.asyncDispose]()
})

test('amqp: frames with broken bits cost their own connection at most', async () => {
  const { b, bugs } = bench()
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
  const frames = fc.array(anyFrame, { minLength: 1, maxLength: 10 })
  const property = fc.asyncProperty(frames, flips, async (sent, changes) => {
    const bytes = Buffer.concat(sent)
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte
    const peer = b.connect().open()
    await authenticate(b, peer, PUMP.deviceId)
    peer.raw(bytes)
    peer.stream.end()
    await peer.closed()
    await isUnharmed(b, bugs)
  })
  await fc.assert(property, fuzzRuns(40, SEED))
  await b[Symbol.asyncDispose]()
})
