import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CloudMessage, type DeviceRef, MAX_QUEUE_DEPTH } from '@twinward/protocol'
import {
  APP,
  feedbackOf,
  makeWorld,
  message,
  named,
  PUMP,
  receiveIds,
} from '../../test/cloud-messages.ts'
import { makeHub, type TestHub, until } from '../../test/hub.ts'
import type { Notice } from '../bus.ts'
import { DEFAULT_MESSAGE_TTL_MS, MAX_DELIVERY_COUNT } from './cloud-message-rules.ts'
import { MESSAGE_LOCK_MS } from './cloud-messages.ts'

const LOCK_LOST = { code: 'DeviceMessageLockLost' }

function waitingNotices(hub: TestHub): readonly DeviceRef[] {
  const refs: DeviceRef[] = []
  hub.bus.subscribe((notice: Notice) => {
    if (notice.kind === 'cloud-message-waiting') refs.push(notice.ref)
  })
  return refs
}

test('send: the message arrives as it was, with an id, its times and no foreign `to`', async () => {
  const { cloudMessages, clock } = await makeWorld()
  const sent = await cloudMessages.send(
    PUMP,
    message({
      system: { correlationId: 'c', contentType: 'text/plain', to: '/devices/other' },
      application: { colour: 'red', flag: null },
    }),
  )
  assert.match(sent.messageId, /^[0-9a-f-]{36}$/)
  const [received] = await cloudMessages.receive(PUMP, 10)
  assert.ok(received)
  const { lockToken, ...rest } = received
  assert.match(lockToken, /^[0-9a-f-]{36}$/)
  assert.deepEqual(
    { ...rest, body: Buffer.from(rest.body) },
    {
      ref: PUMP,
      sequence: sent.sequence,
      enqueuedTimeMs: clock.now(),
      expiresAtMs: clock.now() + DEFAULT_MESSAGE_TTL_MS,
      deliveryCount: 0,
      system: { messageId: sent.messageId, correlationId: 'c', contentType: 'text/plain' },
      ack: 'full',
      application: { colour: 'red', flag: null },
      body: Buffer.from('hello'),
    },
  )
})

test('send: a device and its module have queues of their own', async () => {
  const hub = await makeWorld()
  await hub.cloudMessages.send(PUMP, named('d'))
  await hub.cloudMessages.send(APP, named('m'))
  assert.deepEqual(await receiveIds(hub, APP), ['m'])
  assert.deepEqual(await receiveIds(hub, PUMP), ['d'])
})

test('send: unknown, removed and disabled receivers are refused', async () => {
  const { cloudMessages, identities } = await makeWorld()
  const send = (ref: DeviceRef) => cloudMessages.send(ref, message())
  await assert.rejects(send({ deviceId: 'pump-2' }), { code: 'DeviceNotFound' })
  await assert.rejects(send({ deviceId: 'pump-2', moduleId: 'a' }), { code: 'DeviceNotFound' })
  await assert.rejects(send({ ...PUMP, moduleId: 'b' }), { code: 'ModuleNotFound' })
  await identities.update(PUMP, { status: 'disabled' }, '*')
  await assert.rejects(send(PUMP), { code: 'DeviceNotFound' })
  await assert.rejects(send(APP), { code: 'DeviceNotFound' })
})

test('send: message 51 is refused until one leaves; what has expired makes room at once', async () => {
  const { cloudMessages, clock } = await makeWorld()
  for (let n = 0; n < MAX_QUEUE_DEPTH; n++) await cloudMessages.send(PUMP, message())
  const full = { code: 'DeviceMaximumQueueDepthExceeded' }
  await assert.rejects(cloudMessages.send(PUMP, message()), full)
  const [first] = await cloudMessages.receive(PUMP, 1)
  await assert.rejects(cloudMessages.send(PUMP, message()), full)
  await cloudMessages.complete(PUMP, first?.lockToken ?? '')
  await cloudMessages.send(PUMP, message())
  await assert.rejects(cloudMessages.send(PUMP, message()), full)
  clock.advance(DEFAULT_MESSAGE_TTL_MS)
  await cloudMessages.send(PUMP, message())
  assert.equal(await cloudMessages.count(PUMP), 1)
})

test('send: many at once neither pass the depth nor get fewer than it', async () => {
  const { cloudMessages } = await makeWorld()
  const calls = Array.from({ length: 80 }, () => cloudMessages.send(PUMP, message()))
  const outcomes = await Promise.allSettled(calls)
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, MAX_QUEUE_DEPTH)
})

test('send: 64 KiB of body and properties pass, one byte more does not', async () => {
  const { cloudMessages } = await makeWorld()
  const system = { messageId: 'm-1' }
  const application = { name: 'value' }
  const rest = 'm-1namevalue'.length
  const fits = message({ system, application, body: new Uint8Array(64 * 1024 - rest) })
  await cloudMessages.send(PUMP, fits)
  const over = { ...fits, body: new Uint8Array(64 * 1024 - rest + 1) }
  await assert.rejects(cloudMessages.send(PUMP, over), { code: 'MessageTooLarge' })
})

test('send: ids, properties and ack that no protocol could carry are refused, and named', async () => {
  const { cloudMessages } = await makeWorld()
  const refused: readonly [Partial<CloudMessage>, RegExp][] = [
    [{ system: { messageId: 'a b' } }, /messageId/],
    [{ system: { messageId: '' } }, /messageId/],
    [{ system: { correlationId: 'x'.repeat(129) } }, /correlationId/],
    [{ system: { userId: 'ü' } }, /userId/],
    [{ system: { contentType: 'text/plain\r\nx: y' } }, /contentType/],
    [{ application: { naïve: 'x' } }, /name of a property/],
    [{ application: { '': 'x' } }, /needs a name/],
    [{ application: { colour: 'rot\n' } }, /'colour'/],
    [{ ack: 'all' as 'full' }, /ack/],
    [{ system: { expiryTimeUtc: 'tomorrow' } }, /expiry/],
  ]
  for (const [parts, text] of refused) {
    const expected = { code: 'ArgumentInvalid', message: text }
    await assert.rejects(cloudMessages.send(PUMP, message(parts)), expected)
  }
})

test('send: the earlier of both expiries counts; past or beyond two days is refused', async () => {
  const { cloudMessages, clock } = await makeWorld()
  const at = (ms: number) =>
    message({ system: { expiryTimeUtc: new Date(clock.now() + ms).toISOString() } })
  const soon = await cloudMessages.send(PUMP, at(5000))
  assert.equal(soon.expiresAtMs, clock.now() + 5000)
  const late = await cloudMessages.send(PUMP, at(2 * DEFAULT_MESSAGE_TTL_MS))
  assert.equal(late.expiresAtMs, clock.now() + DEFAULT_MESSAGE_TTL_MS)
  const [, second] = await cloudMessages.receive(PUMP, 2)
  assert.equal(Date.parse(second?.system.expiryTimeUtc ?? ''), late.expiresAtMs)
  const refused = { code: 'InvalidMessageExpiryTime' }
  await assert.rejects(cloudMessages.send(PUMP, at(0)), refused)
  await assert.rejects(cloudMessages.send(PUMP, at(2 * 24 * 3600_000 + 1)), refused)
})

test('receive: many receivers at once never hold the same message, and the order stays', async () => {
  const hub = await makeWorld()
  const ids = Array.from({ length: 40 }, (_, n) => `m-${n}`)
  for (const id of ids) await hub.cloudMessages.send(PUMP, named(id))
  const calls = Array.from({ length: 20 }, () => receiveIds(hub, PUMP, 3))
  assert.deepEqual((await Promise.all(calls)).flat(), ids)
})

test('settle: only the holder may, only once, only its own, only in time', async () => {
  const { cloudMessages, clock } = await makeWorld()
  await cloudMessages.send(PUMP, named('a'))
  await cloudMessages.send(PUMP, named('b'))
  const [a, b] = await cloudMessages.receive(PUMP, 2)
  assert.ok(a && b)
  await assert.rejects(cloudMessages.complete(APP, a.lockToken), LOCK_LOST)
  await assert.rejects(cloudMessages.complete(PUMP, 'unknown'), LOCK_LOST)
  const both = await Promise.allSettled([
    cloudMessages.complete(PUMP, a.lockToken),
    cloudMessages.reject(PUMP, a.lockToken),
  ])
  assert.deepEqual(
    both.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  )
  clock.advance(MESSAGE_LOCK_MS)
  for (const settle of ['complete', 'reject', 'abandon'] as const) {
    await assert.rejects(cloudMessages[settle](PUMP, b.lockToken), LOCK_LOST)
  }
})

test('locks that run out or are released return the message, not counted as a delivery', async () => {
  const { cloudMessages, clock } = await makeWorld()
  await cloudMessages.send(PUMP, message())
  for (let n = 0; n < 2 * MAX_DELIVERY_COUNT; n++) {
    const [held] = await cloudMessages.receive(PUMP, 1)
    assert.equal(held?.deliveryCount, 0)
    if (n % 2 === 0) clock.advance(MESSAGE_LOCK_MS)
    else await cloudMessages.release(PUMP, [held?.lockToken ?? '', 'unknown'])
  }
})

test('abandon: returns to its old place; the tenth time the message is dead', async () => {
  const hub = await makeWorld()
  const { cloudMessages } = hub
  await cloudMessages.send(PUMP, named('a'))
  await cloudMessages.send(PUMP, named('b'))
  for (let n = 0; n < MAX_DELIVERY_COUNT; n++) {
    const [held] = await cloudMessages.receive(PUMP, 1)
    assert.deepEqual([held?.system.messageId, held?.deliveryCount], ['a', n])
    await cloudMessages.abandon(PUMP, held?.lockToken ?? '')
  }
  assert.deepEqual(await receiveIds(hub), ['b'])
  assert.deepEqual(await feedbackOf(hub), ['a DeliveryCountExceeded'])
})

test('feedback: each end of a message is told to the senders who asked for it', async () => {
  const hub = await makeWorld()
  const { cloudMessages, clock } = hub
  const acks = ['none', 'positive', 'negative', 'full'] as const
  const sendAll = async (name: string) => {
    for (const ack of acks) {
      await cloudMessages.send(PUMP, message({ ack, system: { messageId: `${name}-${ack}` } }))
    }
  }
  for (const settle of ['complete', 'reject'] as const) {
    await sendAll(settle)
    for (const { lockToken } of await cloudMessages.receive(PUMP, 4)) {
      await cloudMessages[settle](PUMP, lockToken)
    }
  }
  await sendAll('purge')
  assert.equal(await cloudMessages.purge(PUMP), 4)
  await sendAll('expire')
  clock.advance(DEFAULT_MESSAGE_TTL_MS)
  await cloudMessages.expire()
  assert.deepEqual(await feedbackOf(hub), [
    'complete-positive Success',
    'complete-full Success',
    'reject-negative Rejected',
    'reject-full Rejected',
    'purge-negative Purged',
    'purge-full Purged',
    'expire-negative Expired',
    'expire-full Expired',
  ])
})

test('expire: what is held stays until the lock ends', async () => {
  const hub = await makeWorld()
  const { cloudMessages, clock } = hub
  await cloudMessages.send(PUMP, named('kept'))
  await cloudMessages.send(PUMP, named('lost'))
  clock.advance(DEFAULT_MESSAGE_TTL_MS - 1000)
  const [kept, lost] = await cloudMessages.receive(PUMP, 2)
  clock.advance(2000)
  await cloudMessages.expire()
  await cloudMessages.complete(PUMP, kept?.lockToken ?? '')
  clock.advance(MESSAGE_LOCK_MS)
  await assert.rejects(cloudMessages.complete(PUMP, lost?.lockToken ?? ''), LOCK_LOST)
  assert.deepEqual(await receiveIds(hub), [])
  await cloudMessages.expire()
  assert.deepEqual(await feedbackOf(hub), ['kept Success', 'lost Expired'])
})

test('start: expires in the background and tells when a lock has run out', async () => {
  const hub = await makeWorld()
  const { cloudMessages, clock } = hub
  const stop = await cloudMessages.start()
  const told = waitingNotices(hub)
  await cloudMessages.send(PUMP, named('a'))
  await cloudMessages.send(PUMP, named('b'))
  const [a] = await cloudMessages.receive(PUMP, 2)
  assert.deepEqual(told, [PUMP, PUMP])
  clock.advance(MESSAGE_LOCK_MS + 1000)
  assert.deepEqual(told, [PUMP, PUMP, PUMP], 'once for both')
  await assert.rejects(cloudMessages.abandon(PUMP, a?.lockToken ?? ''), LOCK_LOST)
  clock.advance(DEFAULT_MESSAGE_TTL_MS)
  await until(async () => {
    clock.advance(10_000)
    return (await cloudMessages.count(PUMP)) === 0
  })
  stop()
})

test('a removed identity takes its queue along; one created again never sees it', async () => {
  const hub = await makeWorld()
  const { cloudMessages, identities } = hub
  await cloudMessages.send(PUMP, named('device'))
  await cloudMessages.send(APP, named('module'))
  const [held] = await cloudMessages.receive(PUMP, 1)
  await identities.remove(PUMP, '*')
  await hub.keyOf(APP)
  assert.deepEqual([await cloudMessages.count(PUMP), await cloudMessages.count(APP)], [0, 0])
  assert.deepEqual([await receiveIds(hub), await receiveIds(hub, APP)], [[], []])
  await Promise.all([cloudMessages.purge(PUMP), cloudMessages.purge(APP)])
  await assert.rejects(cloudMessages.complete(PUMP, held?.lockToken ?? ''), LOCK_LOST)
  const feedback = await feedbackOf(hub)
  assert.deepEqual([...feedback].sort(), ['device Purged', 'module Purged'])
})

test('start: removes queues whose identity went just before a crash, and keeps the others', async () => {
  const { clock, messageQueue, registry, ...before } = await makeWorld()
  await before.keyOf({ deviceId: 'pump-2' })
  await before.cloudMessages.send(PUMP, named('lost'))
  await before.cloudMessages.send({ deviceId: 'pump-2' }, named('kept'))
  await registry.remove(PUMP)

  const hub = makeHub({ clock, messageQueue, registry })
  const stop = await hub.cloudMessages.start()
  await until(async () => (await messageQueue.heads(PUMP, 10)).length === 0)
  assert.deepEqual(await receiveIds(hub, { deviceId: 'pump-2' }), ['kept'])
  assert.equal(await hub.cloudMessages.count({ deviceId: 'pump-2' }), 1)
  assert.deepEqual(await feedbackOf(hub), ['lost Purged'])
  stop()
})
