import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DeviceRef, HubError } from '@twinward/protocol'
import { TestClock } from '../../test/clock.ts'
import { makeHub, type TestHub } from '../../test/hub.ts'
import type { LiveSession } from '../sessions/sessions.ts'
import type { MethodCall } from './method-call.ts'
import { MAX_CALLS_PER_IDENTITY, type MethodRequest } from './methods.ts'

const PUMP: DeviceRef = { deviceId: 'pump-1' }
const REBOOT: MethodCall = {
  name: 'reboot',
  payload: { delay: 5 },
  responseTimeoutMs: 30_000,
  connectTimeoutMs: 0,
}

class TestSession implements LiveSession {
  readonly ref: DeviceRef
  readonly asked: MethodRequest[] = []
  takesMethods: boolean
  readonly #hub: TestHub

  constructor(hub: TestHub, ref: DeviceRef = PUMP, takesMethods = false) {
    this.#hub = hub
    this.ref = ref
    this.takesMethods = takesMethods
    hub.sessions.open(this)
  }

  subscribe(): this {
    this.takesMethods = true
    this.#hub.sessions.subscribedToMethods(this)
    return this
  }

  callMethod(request: MethodRequest): void {
    this.asked.push(request)
  }

  answer(status: number, body: string | Uint8Array, { rid } = this.last): void {
    this.#hub.methods.answer(this, rid, status, Buffer.from(body))
  }

  get last(): MethodRequest {
    const request = this.asked.at(-1)
    if (!request) throw new Error('it was not asked')
    return request
  }

  close(): void {
    this.#hub.sessions.closed(this)
  }
}

async function open(refs: readonly DeviceRef[] = [PUMP]) {
  const clock = new TestClock()
  const hub = makeHub({ clock })
  for (const ref of refs) await hub.keyOf(ref)
  return { hub, clock, methods: hub.methods }
}

/** Lets everything run that waits for nothing but promises. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function fails(code: string, info?: object) {
  return (error: unknown) => {
    assert.ok(error instanceof HubError)
    assert.equal(error.code, code)
    if (info) assert.deepEqual(error.info, info)
    return true
  }
}

test('invoke: the subscribed session is asked once, and what it answers comes back', async () => {
  const { hub, methods } = await open()
  const session = new TestSession(hub).subscribe()
  const result = methods.invoke(PUMP, REBOOT)
  await settled()
  assert.equal(session.asked.length, 1)
  assert.match(session.last.rid, /^[0-9a-z]+$/)
  assert.deepEqual([session.last.name, session.last.payload], ['reboot', '{"delay":5}'])
  session.answer(-7, '{"n":12345678901234567890}')
  assert.deepEqual(await result, { status: -7, payload: '{"n":12345678901234567890}' })
  assert.equal(methods.pendingCount, 0)
})

const ANSWERS: readonly (readonly [string, Uint8Array, string])[] = [
  ['nothing', Buffer.alloc(0), 'null'],
  ['null', Buffer.from('null'), 'null'],
  ['text', Buffer.from('it works'), '"it works"'],
  ['half of JSON', Buffer.from('{"a":'), '"{\\"a\\":"'],
  ['a byte order mark', Buffer.from('\ufeff{"a":1}'), '{"a":1}'],
  ['bytes', Buffer.from([0xff, 0x41]), '"\ufffdA"'],
]
for (const [what, sent, payload] of ANSWERS) {
  test(`invoke: a device that answers ${what} makes the payload ${payload}`, async () => {
    const { hub, methods } = await open()
    const session = new TestSession(hub).subscribe()
    const result = methods.invoke(PUMP, REBOOT)
    await settled()
    session.answer(200, sent)
    assert.deepEqual(await result, { status: 200, payload })
  })
}

test('invoke: an answer of 128 KB is taken, a larger one is a bad gateway', async () => {
  const { hub, methods } = await open()
  const session = new TestSession(hub).subscribe()
  const largest = methods.invoke(PUMP, REBOOT)
  await settled()
  session.answer(200, JSON.stringify('x'.repeat(128 * 1024 - 2)))
  assert.equal((await largest).payload.length, 128 * 1024)
  const tooLarge = methods.invoke(PUMP, REBOOT)
  await settled()
  session.answer(200, 'x'.repeat(128 * 1024 + 1))
  await assert.rejects(tooLarge, fails('GenericBadGateway'))
})

test('invoke: a target that is unknown or disabled is not found', async () => {
  const { hub, methods } = await open()
  const call = (ref: DeviceRef) => methods.invoke(ref, REBOOT)
  await assert.rejects(call({ deviceId: 'pump-2' }), fails('DeviceNotFound'))
  await assert.rejects(call({ deviceId: 'pump-2', moduleId: 'app' }), fails('DeviceNotFound'))
  await assert.rejects(call({ deviceId: 'pump-1', moduleId: 'app' }), fails('ModuleNotFound'))
  await hub.identities.update(PUMP, { status: 'disabled' }, '*')
  await assert.rejects(call(PUMP), fails('DeviceNotFound'))
})

test('invoke: a session that has not subscribed counts as not online', async () => {
  const { hub, methods } = await open()
  new TestSession(hub)
  const offline = fails('DeviceNotOnline', { timeout: '00:00:00' })
  await assert.rejects(methods.invoke(PUMP, REBOOT), offline)
})

test('invoke: with time to connect it waits for the subscription, and not longer', async () => {
  const { hub, clock, methods } = await open()
  const first = methods.invoke(PUMP, { ...REBOOT, connectTimeoutMs: 20_000 })
  const second = methods.invoke(PUMP, { ...REBOOT, connectTimeoutMs: 10_000 })
  await settled()
  const session = new TestSession(hub)
  clock.advance(10_000)
  await assert.rejects(second, fails('DeviceNotOnline', { timeout: '00:00:10' }))
  session.subscribe()
  await settled()
  assert.equal(session.asked.length, 1)
  // The device has all of its own time, whatever connecting took.
  clock.advance(29_999)
  session.answer(200, '')
  assert.deepEqual(await first, { status: 200, payload: 'null' })
})

test('invoke: a session whose subscription was kept is asked as it opens', async () => {
  const { hub, methods } = await open()
  const result = methods.invoke(PUMP, { ...REBOOT, connectTimeoutMs: 20_000 })
  await settled()
  const session = new TestSession(hub, PUMP, true)
  await settled()
  assert.equal(session.asked.length, 1)
  session.answer(200, '1')
  assert.equal((await result).payload, '1')
})

test('invoke: no answer in time is a gateway timeout, and a late answer is dropped', async () => {
  const { hub, clock, methods } = await open()
  const session = new TestSession(hub).subscribe()
  const result = methods.invoke(PUMP, REBOOT)
  await settled()
  clock.advance(30_000)
  await assert.rejects(result, fails('GatewayTimeout', { timeout: '00:00:30' }))
  session.answer(200, '1')
  assert.equal(methods.pendingCount, 0)
})

test('invoke: of two answers the first counts', async () => {
  const { hub, methods } = await open()
  const session = new TestSession(hub).subscribe()
  const result = methods.invoke(PUMP, REBOOT)
  await settled()
  session.answer(200, '1')
  session.answer(500, '2')
  assert.deepEqual(await result, { status: 200, payload: '1' })
  session.answer(500, '3')
})

test('invoke: only the session that was asked can answer', async () => {
  const app = { deviceId: 'pump-1', moduleId: 'app' }
  const { hub, methods } = await open([PUMP, app])
  const session = new TestSession(hub).subscribe()
  const sibling = new TestSession(hub, app).subscribe()
  const result = methods.invoke(PUMP, REBOOT)
  await settled()
  sibling.answer(500, '2', session.last)
  session.answer(500, '2', { ...session.last, rid: 'f00d' })
  session.answer(200, '1')
  assert.deepEqual(await result, { status: 200, payload: '1' })
})

test('invoke: a device that disconnects before it answers ends the call at once', async () => {
  const { hub, methods } = await open()
  const session = new TestSession(hub).subscribe()
  const result = methods.invoke(PUMP, REBOOT)
  await settled()
  session.close()
  await assert.rejects(result, fails('DeviceConnectionClosedRemotely'))
})

test('invoke: a take-over ends the calls of the older session and only those', async () => {
  const { hub, methods } = await open()
  new TestSession(hub).subscribe()
  const older = methods.invoke(PUMP, REBOOT)
  await settled()
  const taker = new TestSession(hub).subscribe()
  await assert.rejects(older, fails('DeviceConnectionClosedRemotely'))
  const newer = methods.invoke(PUMP, REBOOT)
  await settled()
  taker.answer(200, '1')
  assert.equal((await newer).status, 200)
})

test('invoke: a subscriber that is gone again before its turn is not asked', async () => {
  const { hub, methods } = await open()
  const result = methods.invoke(PUMP, { ...REBOOT, connectTimeoutMs: 20_000 })
  await settled()
  const session = new TestSession(hub).subscribe()
  session.close()
  await assert.rejects(result, fails('DeviceNotOnline'))
  assert.equal(session.asked.length, 0)
})

test('invoke: one device can hold up a limited number of calls, and no other device’s', async () => {
  const other = { deviceId: 'pump-2' }
  const { hub, methods } = await open([PUMP, other])
  const session = new TestSession(hub).subscribe()
  const calls = Array.from({ length: MAX_CALLS_PER_IDENTITY }, () => methods.invoke(PUMP, REBOOT))
  await settled()
  await assert.rejects(methods.invoke(PUMP, REBOOT), fails('DeviceMaximumInflightMethodExceeded'))
  await assert.rejects(methods.invoke(other, REBOOT), fails('DeviceNotOnline'))
  for (const request of session.asked) session.answer(200, '', request)
  await Promise.all(calls)
  const next = methods.invoke(PUMP, REBOOT)
  await settled()
  session.answer(200, '')
  await next
})

test('invoke: the payloads of all calls together are limited', async () => {
  const refs = Array.from({ length: 20 }, (_, i) => ({ deviceId: `pump-${i}` }))
  const { hub, methods } = await open(refs)
  for (const ref of refs) new TestSession(hub, ref).subscribe()
  const large = { ...REBOOT, payload: 'x'.repeat(127 * 1024 - 2) }
  const calls = refs.flatMap((ref) =>
    Array.from({ length: MAX_CALLS_PER_IDENTITY }, () => methods.invoke(ref, large)),
  )
  const outcomes = Promise.allSettled(calls)
  await settled()
  methods.close()
  const codes = (await outcomes).map((outcome) =>
    outcome.status === 'rejected' ? (outcome.reason as HubError).code : 'fulfilled',
  )
  const taken = codes.filter((code) => code === 'ServiceUnavailable').length
  const throttled = codes.filter((code) => code === 'ThrottlingException').length
  assert.deepEqual([taken, throttled], [512, 128])
})

test('close: calls that wait for a device or its answer end, and new ones are refused', async () => {
  const other = { deviceId: 'pump-2' }
  const { hub, methods } = await open([PUMP, other])
  new TestSession(hub).subscribe()
  const asked = methods.invoke(PUMP, REBOOT)
  const waiting = methods.invoke(other, { ...REBOOT, connectTimeoutMs: 20_000 })
  await settled()
  methods.close()
  await assert.rejects(asked, fails('ServiceUnavailable'))
  await assert.rejects(waiting, fails('ServiceUnavailable'))
  await assert.rejects(methods.invoke(PUMP, REBOOT), fails('ServiceUnavailable'))
  assert.equal(methods.pendingCount, 0)
})
