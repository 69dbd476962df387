import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { formatSas } from '@twinward/protocol'
import { MemoryEventLog } from '../../src/adapters/memory/event-log.ts'
import { decodeMessage, encodeMessage } from '../../src/gateways/amqp/wire/message.ts'
import { CODE, composite, compositeOf } from '../../src/gateways/amqp/wire/performatives.ts'
import {
  AmqpMap,
  Described,
  integerOf,
  symbol,
  type Typed,
  Typed as TypedValue,
  uint,
  ulong,
} from '../../src/gateways/amqp/wire/values.ts'
import { READER_POLL_MS } from '../../src/messages/event-readers.ts'
import { message } from '../contracts/event-log.ts'
import { until } from '../hub.ts'
import { type AmqpBench, amqpBench, type RawPeer } from '../raw-amqp.ts'

const ADDRESS = 'messages/events/ConsumerGroups/$Default/Partitions/0'
const SELECTOR = 'apache.org:selector-filter:string'
const READER = 2

function bench() {
  const eventLog = new MemoryEventLog()
  return { ...amqpBench({ eventLog }), eventLog }
}

type Bench = ReturnType<typeof bench>

async function store(b: Bench, texts: readonly string[], isTold = true): Promise<void> {
  for (const text of texts) await b.eventLog.append('telemetry', 0, message({ text }))
  if (isTold) b.hub.bus.publish({ kind: 'messages-stored', stream: 'telemetry' })
}

function attachReader(
  peer: RawPeer,
  { handle = READER, address = ADDRESS, filter = '', capability = '' } = {},
) {
  const described = new Described(ulong(0x468c00000004n), filter)
  const filters = filter === '' ? null : new AmqpMap([[symbol(SELECTOR), described]])
  const source = composite(CODE.source, [address, null, null, null, null, null, null, filters])
  const capabilities = capability === '' ? null : symbol(capability)
  const fields = [`reader-${handle}`, uint(handle), true, null, null, source, null]
  return peer.send(CODE.attach, [...fields, null, null, null, null, null, capabilities])
}

/** @param count  deliveries that the peer has seen on the link */
function grant(peer: RawPeer, credit: number, { count = 0, drain = false, window = 2048 } = {}) {
  const session = [uint(0), uint(window), uint(0), uint(2048)]
  return peer.send(CODE.flow, [...session, uint(READER), uint(count), uint(credit), null, drain])
}

/** The bodies of the transfers on the reader's link; a message in several comes as one. */
function bodies(peer: RawPeer): readonly string[] {
  const whole: string[] = []
  let parts: Buffer[] = []
  for (const { code, fields, payload } of peer.received) {
    if (code !== CODE.transfer || fields.uint(0) !== READER) continue
    parts.push(payload)
    if (fields.flag(5)) continue
    whole.push(String(decodeMessage(Buffer.concat(parts)).data[0]))
    parts = []
  }
  return whole
}

/** Puts a token for the event hub, good for `seconds`. */
async function putToken(
  b: AmqpBench,
  peer: RawPeer,
  seconds = 3600,
  { nth = 0, policyName = 'service' } = {},
): Promise<number> {
  const policy = b.hub.policies.find(({ name }) => name === policyName)
  const sign = (text: string) =>
    createHmac('sha256', policy?.primaryKey ?? '')
      .update(text)
      .digest('base64')
  const expiresAtS = Math.floor(b.clock.now() / 1000) + seconds
  const token = formatSas('sb://localhost/messages/events', expiresAtS, sign, policyName)
  if (nth === 0) {
    peer.attach(0, '$cbs').attach(1, '$cbs', true)
    peer.send(CODE.flow, [uint(0), uint(2048), uint(0), uint(9), uint(1), uint(0), uint(9)])
  }
  const request = encodeMessage({
    properties: { messageId: `${nth}` },
    application: new AmqpMap([
      ['operation', 'put-token'],
      ['type', 'servicebus.windows.net:sastoken'],
      ['name', 'sb://localhost/messages/events'],
    ]),
    value: token,
  })
  peer.transfer([uint(0), uint(nth), Buffer.from(`${nth}`), uint(0), true], request)
  const answers = () =>
    peer.received.filter(({ code, fields }) => code === CODE.transfer && fields.uint(0) === 1)
  await until(() => answers().length > nth, 'the answer to a token')
  const answer = decodeMessage(answers()[nth]?.payload ?? Buffer.alloc(0))
  return Number(integerOf(answer.application.get('status-code')))
}

async function openReader(b: Bench, options: Parameters<typeof attachReader>[1] = {}) {
  const peer = b.connect().open()
  assert.equal(await putToken(b, peer), 200)
  attachReader(peer, options)
  await until(() => b.hub.events.count === 1, 'the reader')
  return peer
}

test('attach: the answer confirms the filter and says that events are settled when they are sent', async () => {
  await using b = bench()
  const filter = "amqp.annotation.x-opt-offset > '-1'"
  const peer = await openReader(b, { filter })
  const answer = await peer.got(CODE.attach, 2)
  assert.equal(answer.uint(3), 1)
  const source = compositeOf(answer.at(5))?.fields
  const confirmed = source?.map(7).get(SELECTOR) as Described
  assert.equal(confirmed.value, filter)
  assert.equal((confirmed.descriptor as Typed).value, 0x468c00000004n)
  await store(b, ['a'])
  const transfer = grant(peer, 1).got(CODE.transfer, 1)
  assert.equal((await transfer).flag(4), true)
})

test('credit: exactly so many are sent, in order, and none without', async () => {
  await using b = bench()
  const peer = await openReader(b)
  await store(b, ['a', 'b', 'c', 'd', 'e'])
  assert.deepEqual(bodies(peer), [])
  grant(peer, 2)
  await until(() => bodies(peer).length === 2)
  grant(peer, 2, { count: 2 })
  await until(() => bodies(peer).length === 4)
  assert.deepEqual(bodies(peer), ['a', 'b', 'c', 'd'])
})

test('drain: what there is comes, and the rest of the credit goes back', async () => {
  await using b = bench()
  const peer = await openReader(b)
  await store(b, ['a', 'b'])
  grant(peer, 10, { drain: true })
  await until(
    () => peer.received.some(({ code, fields }) => code === CODE.flow && fields.uint(4) === READER),
    'the credit that goes back',
  )
  assert.deepEqual(bodies(peer), ['a', 'b'])
  const flow = peer.received.findLast(
    ({ code, fields }) => code === CODE.flow && fields.uint(4) === READER,
  )
  assert.deepEqual([flow?.fields.uint(5), flow?.fields.uint(6)], [10, 0])
  await store(b, ['c'])
  b.clock.advance(READER_POLL_MS)
  assert.deepEqual(bodies(peer), ['a', 'b'])
})

test('wake: what is stored goes out at once, and a lost notice costs seconds', async () => {
  await using b = bench()
  const peer = grant(await openReader(b), 100)
  await store(b, ['told'])
  await until(() => bodies(peer).length === 1)
  await store(b, ['not told'], false)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(bodies(peer), ['told'])
  b.clock.advance(READER_POLL_MS)
  await until(() => bodies(peer).length === 2)
})

test('windows and frames: large events come whole to a peer with small ones of both', async () => {
  await using b = bench()
  const peer = b.connect().header()
  peer.send(CODE.open, ['peer', null, uint(512)])
  peer.begin(0, 100)
  assert.equal(await putToken(b, peer), 200)
  attachReader(peer)
  const texts = ['x'.repeat(20_000), 'y'.repeat(20_000)]
  await store(b, texts)
  grant(peer, 9, { window: 100 })
  const count = () => peer.received.filter(({ code }) => code === CODE.transfer).length
  let seen = 0
  while (bodies(peer).length < 2) {
    await until(() => count() > seen, 'more of it')
    seen = count()
    peer.send(CODE.flow, [uint(seen), uint(100), uint(0), uint(2048)])
  }
  assert.deepEqual(bodies(peer), texts)
})

test('detach: what waits for the window goes with its link, and a new one of its handle starts anew', async () => {
  await using b = bench()
  const peer = b.connect().header()
  peer.send(CODE.open, ['peer', null, uint(512)])
  peer.begin(0, 2048)
  assert.equal(await putToken(b, peer), 200)
  attachReader(peer)
  const texts = ['x'.repeat(2000), 'y'.repeat(2000)]
  await store(b, texts)
  const transfers = () => peer.received.filter(({ code }) => code === CODE.transfer)
  const isReaders = ({ fields }: (typeof peer.received)[number]) => fields.uint(0) === READER
  // Two frames of the first event go out, the rest waits.
  peer.send(CODE.flow, [uint(1), uint(2), uint(0), uint(2048), uint(READER), uint(0), uint(9)])
  await until(() => transfers().filter(isReaders).length === 2, 'what the window takes')
  peer.send(CODE.detach, [uint(READER), true])
  await peer.got(CODE.detach)
  attachReader(peer)
  peer.send(CODE.flow, [uint(3), uint(100), uint(0), uint(2048), uint(READER), uint(0), uint(9)])
  const own = () => {
    const detached = peer.received.findIndex(({ code }) => code === CODE.detach)
    return peer.received.slice(detached).filter((one) => one.code === CODE.transfer)
  }
  const whole = () => own().filter(({ fields }) => !fields.flag(5)).length
  await until(() => whole() >= 2, 'both events')
  const bytes = Buffer.concat(own().map(({ payload }) => payload))
  const runs = bytes.toString('latin1').match(/[xy]{9,}/g)
  assert.deepEqual(runs, texts, 'each once, and whole')
  const ids = transfers()
    .map(({ fields }) => fields.uint(1))
    .filter((id) => id !== undefined)
  assert.deepEqual(
    ids,
    ids.map((_, nth) => nth),
    'peers count deliveries',
  )
})

test('a token that ends takes its readers along; one that is renewed does not', async () => {
  await using b = bench()
  const peer = b.connect().open()
  await putToken(b, peer, 60)
  attachReader(peer)
  await until(() => b.hub.events.count === 1)
  b.clock.advance(30_000)
  assert.equal(await putToken(b, peer, 120, { nth: 1 }), 200)
  b.clock.advance(400_000)
  assert.equal(b.hub.events.count, 1)
  b.clock.advance(60_000)
  assert.equal(await peer.condition(CODE.detach), 'amqp:unauthorized-access')
  assert.equal(b.hub.events.count, 0)
})

test('a token that proves less in the place of one takes along what it does not open', async () => {
  await using b = bench()
  const peer = b.connect().open()
  await putToken(b, peer, 60, { policyName: 'iothubowner' })
  attachReader(peer)
  attachReader(peer, { handle: 3, address: ADDRESS.replace('$Default', '$security') })
  await until(() => b.hub.events.count === 2)
  assert.equal(await putToken(b, peer, 60, { nth: 1, policyName: 'iothubowner' }), 200)
  assert.equal(b.hub.events.count, 2)
  assert.equal(await putToken(b, peer, 3600, { nth: 2 }), 200)
  assert.equal(await peer.condition(CODE.detach), 'amqp:unauthorized-access')
  assert.equal((await peer.got(CODE.detach)).uint(0), 3)
  assert.equal(b.hub.events.count, 1)
})

test('a link that comes before its token waits for it, but not for ever', async () => {
  await using b = bench()
  const peer = attachReader(b.connect().open())
  await putToken(b, peer)
  await until(() => b.hub.events.count === 1, 'the reader')
  const other = attachReader(b.connect().open())
  await other.got(CODE.begin)
  b.clock.advance(40_000)
  assert.equal(await other.condition(CODE.detach), 'amqp:unauthorized-access')
})

test('enable-receiver-runtime-metric: each event says how far the partition goes', async () => {
  await using b = bench()
  const peer = await openReader(b, { capability: 'com.microsoft:enable-receiver-runtime-metric' })
  await store(b, ['a', 'b'])
  grant(peer, 1)
  await until(() => bodies(peer).length === 1)
  const { payload } =
    peer.received.find(({ code, fields }) => code === CODE.transfer && fields.uint(0) === READER) ??
    {}
  assert.ok(payload?.includes('last_enqueued_sequence_number'))
  assert.ok(payload?.includes('runtime_info_retrieval_time_utc'))
})

test('epochs of 60 bits, as processors make them of the time, are told apart', async () => {
  await using b = bench()
  const peer = b.connect().open()
  await putToken(b, peer)
  const attach = (handle: number, epoch: bigint) => {
    const source = composite(CODE.source, [ADDRESS])
    const properties = new AmqpMap([[symbol('com.microsoft:epoch'), new TypedValue('long', epoch)]])
    const fields = [`r${handle}`, uint(handle), true, null, null, source, null]
    peer.send(CODE.attach, [...fields, null, null, null, null, null, null, properties])
  }
  attach(2, 1_689_114_528_157_893_058n)
  await until(() => b.hub.events.count === 1)
  attach(3, 1_689_114_528_157_893_057n)
  assert.equal(await peer.condition(CODE.detach), 'amqp:link:stolen')
  assert.equal((await peer.got(CODE.detach)).uint(0), 3)
  attach(4, 1_689_114_528_157_893_059n)
  assert.equal(await peer.condition(CODE.detach, 1), 'amqp:link:stolen')
  assert.equal((await peer.got(CODE.detach, 1)).uint(0), 2)
})
