import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { formatSas } from '@twinward/protocol'
import {
  IDLE_TIMEOUT_MS,
  MAX_CHANNEL,
  MAX_ENCODED_MESSAGE_BYTES,
  MAX_SILENCE_MS,
  OPEN_DEADLINE_MS,
  PROOF_DEADLINE_MS,
} from '../../src/gateways/amqp/limits.ts'
import { encodeFrame, PLAIN_HEADER, SASL_HEADER } from '../../src/gateways/amqp/wire/frames.ts'
import { decodeMessage, encodeMessage } from '../../src/gateways/amqp/wire/message.ts'
import { CODE, compositeOf, outcomeValue } from '../../src/gateways/amqp/wire/performatives.ts'
import { AmqpMap, symbol, Typed, uint, ulong, uuid } from '../../src/gateways/amqp/wire/values.ts'
import { until } from '../hub.ts'
import { type AmqpBench, amqpBench, type RawPeer } from '../raw-amqp.ts'

const PUMP = { deviceId: 'pump-1' }
const EVENTS = '/devices/pump-1/messages/events'
const FRAMING = 'amqp:connection:framing-error'

/** A peer that has put a token for pump-1; channel 0, handles 0 and 1 are its CBS. */
async function connectPump(b: AmqpBench, maxFrameBytes?: number): Promise<RawPeer> {
  const peer = b.connect().open(maxFrameBytes)
  await putToken(b, peer)
  return peer
}

async function putToken(b: AmqpBench, peer: RawPeer, id: unknown = ulong(5)): Promise<void> {
  const key = await b.hub.keyOf(PUMP)
  const token = formatSas(
    'localhost/devices/pump-1',
    Math.floor(b.clock.now() / 1000) + 360_000,
    (text) => createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64'),
  )
  peer.attach(0, '$cbs').attach(1, '$cbs', true)
  grant(peer, 1)
  const message = encodeMessage({
    properties: { messageId: id as never, to: '$cbs', replyTo: 'cbs' },
    application: new AmqpMap([
      ['operation', 'put-token'],
      ['type', 'servicebus.windows.net:sastoken'],
      ['name', 'localhost/devices/pump-1'],
    ]),
    value: token,
  })
  peer.transfer([uint(0), uint(0), Buffer.from('t'), uint(0), true], message)
  await peer.got(CODE.transfer)
}

function grant(peer: RawPeer, handle: number, credit = 100, window = 2048): void {
  const session = [uint(0), uint(window), uint(0), uint(2048)]
  peer.send(CODE.flow, [...session, uint(handle), uint(0), uint(credit)])
}

test('frames: header, open, begin and attach in one go are answered in their order', async () => {
  await using b = amqpBench()
  const peer = b.connect().open().attach(3, '$cbs')
  await peer.got(CODE.flow)
  assert.deepEqual(peer.headers, [PLAIN_HEADER])
  assert.deepEqual(
    peer.received.map(({ code }) => code),
    [CODE.open, CODE.begin, CODE.attach, CODE.flow],
  )
  const open = await peer.got(CODE.open)
  assert.deepEqual(
    [open.uint(2), open.uint(3), open.uint(4)],
    [65_536, MAX_CHANNEL, IDLE_TIMEOUT_MS],
  )
  assert.equal((await peer.got(CODE.attach)).uint(10), 262_144)
})

for (const mechanism of ['MSSBCBS', 'ANONYMOUS']) {
  test(`sasl: ${mechanism} has outcome 0, and the connection goes on with a second header`, async () => {
    await using b = amqpBench()
    const peer = b.connect().header(SASL_HEADER)
    const offered = (await peer.got(CODE.saslMechanisms)).at(0)
    assert.deepEqual(offered, ['MSSBCBS', 'ANONYMOUS', 'PLAIN', 'EXTERNAL'])
    peer.sasl(CODE.saslInit, [symbol(mechanism)])
    assert.equal((await peer.got(CODE.saslOutcome)).uint(0), 0)
    peer.open()
    await peer.got(CODE.begin)
    await putToken(b, peer)
  })
}

test('sasl: a mechanism that there is not has outcome 1 and the end', async () => {
  await using b = amqpBench()
  const peer = b
    .connect()
    .header(SASL_HEADER)
    .sasl(CODE.saslInit, [symbol('SCRAM-SHA-1')])
  assert.equal((await peer.got(CODE.saslOutcome)).uint(0), 1)
  await peer.closed()
})

test('frames: another protocol gets the header that is spoken, then the end', async () => {
  for (const header of [
    'AMQP\x02\x01\x00\x00',
    'AMQP\x00\x00\x09\x01',
    'GET / HT',
    '\x16\x03\x01\x02\x00\x01\x00\x01',
  ]) {
    await using b = amqpBench()
    const peer = b.connect().header(Buffer.from(header, 'latin1'))
    await peer.closed()
    assert.deepEqual(peer.headers, [SASL_HEADER])
  }
})

test('cbs: a ulong message id comes back as a ulong, and the status is an int', async () => {
  await using b = amqpBench()
  const peer = await connectPump(b)
  const transfer = peer.received.find(({ code }) => code === CODE.transfer)
  assert.ok(transfer)
  const { correlationId } = decodeMessage(transfer.payload).properties
  assert.deepEqual(correlationId, new Typed('ulong', 5n))
  // 0x71: int; 200.
  assert.ok(transfer.payload.includes(Buffer.from('71000000c8', 'hex')))
})

test('twin: on the wire, status is an int, version a long, and a uuid comes back as one', async () => {
  await using b = amqpBench()
  const peer = await connectPump(b)
  peer.attach(4, '/devices/pump-1/twin').attach(5, '/devices/pump-1/twin', true)
  grant(peer, 5)
  const id = Buffer.alloc(16, 9)
  const request = encodeMessage({
    annotations: new AmqpMap([
      [symbol('operation'), 'PATCH'],
      [symbol('resource'), '/properties/reported'],
      [symbol('version'), null],
    ]),
    properties: { correlationId: uuid(id) },
    body: Buffer.from('{"a":1}'),
  })
  await peer.got(CODE.flow, 1)
  peer.transfer([uint(4), uint(1), Buffer.from('t'), uint(0), true], request)
  await peer.got(CODE.transfer, 1)
  const { payload } = peer.received.filter(({ code }) => code === CODE.transfer)[1] ?? {}
  assert.ok(payload?.includes(Buffer.concat([Buffer.from('98', 'hex'), id])))
  assert.ok(payload?.includes(Buffer.from('71000000c8', 'hex')))
  assert.ok(payload?.includes(Buffer.from('810000000000000002', 'hex')))
  assert.ok(payload?.subarray(-5).equals(Buffer.from('005375a000', 'hex')), 'an empty data section')
})

test('methods: on the wire, a call without payload has a uuid and a data section', async () => {
  await using b = amqpBench()
  const peer = await connectPump(b)
  const address = '/devices/pump-1/methods/devicebound'
  peer.attach(4, address).attach(5, address, true)
  grant(peer, 5)
  await until(() => b.hub.sessions.find(PUMP)?.takesMethods === true)
  const call = { name: 'ping', payload: null, responseTimeoutMs: 5000, connectTimeoutMs: 0 }
  const gone = assert.rejects(b.hub.methods.invoke(PUMP, call), {
    code: 'DeviceConnectionClosedRemotely',
  })
  await peer.got(CODE.transfer, 1)
  const { payload } = peer.received.filter(({ code }) => code === CODE.transfer)[1] ?? {}
  assert.ok(payload?.includes(0x98))
  assert.ok(
    payload
      ?.subarray(-9)
      .equals(Buffer.concat([Buffer.from('005375a004', 'hex'), Buffer.from('null')])),
  )
  peer.stream.destroy()
  await gone
})

test('frames: messages of many small frames pass both ways, and several at a time', async () => {
  await using b = amqpBench()
  const peer = await connectPump(b, 512)
  peer.attach(4, EVENTS).attach(5, EVENTS).attach(6, '/devices/pump-1/messages/devicebound', true)
  await peer.got(CODE.flow, 2)
  const [one, two] = ['a', 'b'].map((text) => encodeMessage({ body: Buffer.alloc(9000, text) }))
  assert.ok(one && two)
  const step = 1000
  for (let at = 0; at < one.length; at += step) {
    for (const [handle, message] of [
      [4, one],
      [5, two],
    ] as const) {
      const start = [uint(handle), uint(handle), Buffer.from('t'), uint(0), false]
      const fields = at === 0 ? start : [uint(handle), null, null, null, null]
      peer.transfer([...fields, at + step < message.length], message.subarray(at, at + step))
    }
  }
  await peer.got(CODE.disposition, 1)
  assert.deepEqual(
    (await b.hub.messages()).map(({ body }) => body.length),
    [9000, 9000],
  )

  const body = Buffer.alloc(5000, 'c')
  await b.hub.cloudMessages.send(PUMP, { system: {}, ack: 'none', application: {}, body })
  grant(peer, 6, 1)
  await until(
    () => peer.received.at(-1)?.code === CODE.transfer && !peer.received.at(-1)?.fields.flag(5),
  )
  const parts = peer.received.filter(
    ({ code, fields }) => code === CODE.transfer && fields.uint(0) === 6,
  )
  assert.ok(parts.length > 10)
  const whole = decodeMessage(Buffer.concat(parts.map(({ payload }) => payload)))
  assert.deepEqual(whole.data[0], body)
})

test('flow: what a session may not send waits for its window', async () => {
  await using b = amqpBench()
  const peer = await connectPump(b)
  peer.attach(6, '/devices/pump-1/messages/devicebound', true)
  for (let n = 0; n < 4; n++) {
    const message = { system: {}, ack: 'none', application: {}, body: Buffer.from('x') } as const
    await b.hub.cloudMessages.send(PUMP, message)
  }
  const sent = () => peer.received.filter(({ code }) => code === CODE.transfer).length - 1
  // One transfer has gone: the answer to the token. Two more may come.
  grant(peer, 6, 10, 3)
  await until(() => sent() === 2)
  peer.send(CODE.flow, [uint(0), uint(3), uint(0), uint(9), null, null, null, null, false, true])
  await peer.got(CODE.flow, 1)
  assert.equal(sent(), 2)
  peer.send(CODE.flow, [uint(3), uint(9), uint(0), uint(9)])
  await until(() => sent() === 4)
  // A disposition of four billion deliveries costs no more than those that there are.
  peer.send(CODE.disposition, [
    true,
    uint(1),
    uint(0xffffffff),
    true,
    outcomeValue({ kind: 'accepted' }),
  ])
  await until(async () => (await b.hub.cloudMessages.count(PUMP)) === 0)
})

test('limits: a frame over 64 KiB ends the connection as soon as its length is known', async () => {
  await using b = amqpBench()
  const peer = b.connect().open()
  await peer.got(CODE.begin)
  peer.raw(Buffer.from('7fffffff02000000', 'hex'))
  assert.equal(await peer.condition(CODE.close), FRAMING)
  await peer.closed()
})

test('limits: a message that grows beyond the limit is rejected, not kept; the next one passes', async () => {
  await using b = amqpBench()
  const peer = await connectPump(b)
  peer.attach(4, EVENTS)
  await peer.got(CODE.flow, 1)
  const chunk = Buffer.alloc(60_000)
  const count = Math.ceil((4 * MAX_ENCODED_MESSAGE_BYTES) / chunk.length)
  for (let n = 0; n <= count; n++) {
    const fields =
      n === 0
        ? [uint(4), uint(7), Buffer.from('t'), uint(0), false]
        : [uint(4), null, null, null, null]
    peer.transfer([...fields, n < count], chunk)
  }
  const { at } = { at: (await peer.got(CODE.disposition)).at(4) }
  const rejection = compositeOf(compositeOf(at)?.fields.at(0) ?? null)
  assert.equal(rejection?.fields.at(0), 'amqp:link:message-size-exceeded')
  const next = encodeMessage({ body: Buffer.from('x') })
  peer.transfer([uint(4), uint(8), Buffer.from('t'), uint(0), false], next)
  const accepted = (await peer.got(CODE.disposition, 1)).at(4)
  assert.equal(compositeOf(accepted)?.code, CODE.accepted)
})

const SESSION_FAULTS: readonly (readonly [string, string, (peer: RawPeer) => void])[] = [
  ['a handle that is in use', 'amqp:session:handle-in-use', (peer) => peer.attach(1, EVENTS)],
  [
    'a handle that is not attached',
    'amqp:session:unattached-handle',
    (peer) => peer.send(CODE.detach, [uint(9), true]),
  ],
  ['a handle beyond the limit', FRAMING, (peer) => peer.attach(256, EVENTS)],
  [
    'a transfer without credit',
    'amqp:link:transfer-limit-exceeded',
    (peer) => {
      peer.attach(4, '/nowhere/yet').attach(5, '/devices/fan-1/twin')
      peer.transfer([uint(5), uint(2), Buffer.from('t'), uint(0), false], Buffer.alloc(9))
    },
  ],
  [
    'a transfer on a receiver',
    'amqp:not-allowed',
    (peer) => {
      peer.transfer([uint(1), uint(2), Buffer.from('t'), uint(0), false], Buffer.alloc(9))
    },
  ],
]
for (const [what, condition, act] of SESSION_FAULTS) {
  test(`faults: ${what} ends the session, and the connection goes on`, async () => {
    await using b = amqpBench()
    const peer = await connectPump(b)
    act(peer)
    assert.equal(await peer.condition(CODE.end), condition)
    peer.send(CODE.end, []).begin(0).attach(4, EVENTS)
    await peer.got(CODE.begin, 1)
    assert.equal(b.gateway.connectionCount, 1)
  })
}

const CONNECTION_FAULTS: readonly (readonly [string, string, (peer: RawPeer) => void])[] = [
  ['a second open', FRAMING, (peer) => peer.send(CODE.open, ['x'])],
  ['a begin on a channel in use', FRAMING, (peer) => peer.begin(0)],
  ['a channel beyond the limit', FRAMING, (peer) => peer.begin(MAX_CHANNEL + 1)],
  [
    'a frame for no session',
    FRAMING,
    (peer) => peer.send(CODE.flow, [uint(0), uint(0), uint(0), uint(0)], 7),
  ],
  [
    'a frame that is no performative',
    'amqp:decode-error',
    (peer) => peer.raw(encodeFrame(0, 0, Buffer.from('40', 'hex'))),
  ],
  ['a SASL frame', 'amqp:decode-error', (peer) => peer.sasl(CODE.saslInit, [symbol('PLAIN')])],
  ['a malformed attach', 'amqp:decode-error', (peer) => peer.send(CODE.attach, ['x', 'y'])],
]
for (const [what, condition, act] of CONNECTION_FAULTS) {
  test(`faults: ${what} ends the connection with ${condition}`, async () => {
    await using b = amqpBench()
    const peer = await connectPump(b)
    act(peer)
    assert.equal(await peer.condition(CODE.close), condition)
    await peer.closed()
    await until(() => b.hub.sessions.count === 0)
  })
}

test('time: a peer that does not open, or proves nothing, is cut off', async () => {
  await using b = amqpBench()
  const silent = b.connect()
  const anonymous = b.connect().open()
  const pump = await connectPump(b)
  await anonymous.got(CODE.begin)
  b.clock.advance(OPEN_DEADLINE_MS + 2000)
  await silent.closed()
  assert.equal(anonymous.isClosed, false)
  b.clock.advance(PROOF_DEADLINE_MS)
  assert.equal(await anonymous.condition(CODE.close), 'amqp:unauthorized-access')
  assert.equal(pump.isClosed, false)
})

test('time: the hub gives signs of life in half of the peer’s time, and wants some itself', async () => {
  await using b = amqpBench()
  const peer = b.connect().open(65_536, 20_000)
  await putToken(b, peer)
  for (let n = 0; n < 6; n++) {
    b.clock.advance(10_000)
    await until(() => peer.signsOfLife > n)
  }
  b.clock.advance(MAX_SILENCE_MS - 61_000)
  assert.equal(peer.isClosed, false)
  peer.raw(encodeFrame(0, 0))
  await until(() => peer.stream.writableLength === 0)
  await new Promise((resolve) => setImmediate(resolve))
  b.clock.advance(MAX_SILENCE_MS - 10_000)
  assert.equal(peer.isClosed, false)
  b.clock.advance(12_000)
  assert.equal(await peer.condition(CODE.close), 'amqp:resource-limit-exceeded')
})

test('close: a peer that closes gets a close, and its devices are gone at once', async () => {
  await using b = amqpBench()
  const peer = await connectPump(b)
  assert.equal(b.hub.sessions.count, 1)
  peer.send(CODE.close, [])
  await peer.got(CODE.close)
  await peer.closed()
  assert.equal(b.hub.sessions.count, 0)
})

test('close: a hub that stops says amqp:connection:forced to all', async () => {
  const b = amqpBench()
  const peers = [await connectPump(b), b.connect()]
  await b.gateway.close()
  assert.equal(await peers[0]?.condition(CODE.close), 'amqp:connection:forced')
  for (const peer of peers) await peer.closed()
  assert.deepEqual([b.gateway.connectionCount, b.hub.sessions.count], [0, 0])
})
