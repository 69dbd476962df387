import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeWorld, message, PUMP } from '../../test/cloud-messages.ts'
import { MAX_FEEDBACK_BATCH } from './feedback.ts'

const LOCK_LOST = { code: 'DeviceMessageLockLost' }

test('feedback: a batch is held by one reader, completed once, abandoned or timed out', async () => {
  const hub = await makeWorld()
  const { cloudMessages, clock, feedback } = hub
  for (let n = 0; n < MAX_FEEDBACK_BATCH + 6; n++) {
    await cloudMessages.send(PUMP, message({ system: { messageId: `m-${n}` } }))
    await cloudMessages.purge(PUMP)
  }
  const [first, second, third] = await Promise.all([
    feedback.receive(),
    feedback.receive(),
    feedback.receive(),
  ])
  assert.deepEqual([first?.records.length, second?.records.length], [MAX_FEEDBACK_BATCH, 6])
  assert.equal(third, undefined)
  await feedback.complete(first?.lockToken ?? '')
  await assert.rejects(feedback.complete(first?.lockToken ?? ''), LOCK_LOST)
  feedback.abandon(second?.lockToken ?? '')
  assert.throws(() => feedback.abandon(second?.lockToken ?? ''), LOCK_LOST)
  const again = await feedback.receive()
  assert.equal(again?.records.length, 6)
  clock.advance(60_000)
  await assert.rejects(feedback.complete(again?.lockToken ?? ''), LOCK_LOST)
  assert.equal((await feedback.receive())?.records.length, 6)
})

test('feedback: what nobody reads for an hour is dropped, counted and logged', async () => {
  const warnings: object[] = []
  const log = { debug() {}, info() {}, error() {}, warn: (fields: object) => warnings.push(fields) }
  const hub = await makeWorld({ log })
  await hub.cloudMessages.send(PUMP, message())
  await hub.cloudMessages.purge(PUMP)
  hub.clock.advance(3600_000)
  assert.equal(await hub.feedback.trim(), 0)
  hub.clock.advance(1)
  assert.equal(await hub.feedback.trim(), 1)
  assert.deepEqual(warnings, [{ dropped: 1 }])
  assert.equal(hub.feedback.droppedCount, 1)
})
