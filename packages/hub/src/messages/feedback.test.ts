import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeWorld, message, PUMP } from '../../test/cloud-messages.ts'
import { FEEDBACK_GATHER_MS, MAX_FEEDBACK_BATCH } from './feedback.ts'

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

test('feedback: a batch is cut at 64 records, or 15 s after the one before', async () => {
  const hub = await makeWorld()
  const { clock, feedback } = hub
  const record = async (count: number) => {
    for (let n = 0; n < count; n++) await hub.cloudMessages.send(PUMP, message())
    await hub.cloudMessages.purge(PUMP)
  }
  await record(1)
  assert.equal((await feedback.cut(Number.NEGATIVE_INFINITY))?.records.length, 1)
  const lastMs = clock.now()
  await record(32)
  await record(31)
  clock.advance(FEEDBACK_GATHER_MS - 1)
  assert.equal(await feedback.cut(lastMs), undefined)
  await record(1)
  assert.equal((await feedback.cut(lastMs))?.records.length, 64)
  await record(2)
  assert.equal(await feedback.cut(lastMs), undefined)
  clock.advance(1)
  assert.equal((await feedback.cut(lastMs))?.records.length, 2)
  assert.equal(await feedback.cut(lastMs), undefined)
})

test('feedback: who could read is told of new records and of batches that were returned', async () => {
  const hub = await makeWorld()
  const kinds: string[] = []
  hub.bus.subscribe(({ kind }) => kinds.push(kind))
  const told = () => kinds.splice(0).filter((kind) => kind === 'feedback-waiting').length
  await hub.cloudMessages.send(PUMP, message({ ack: 'none' }))
  await hub.cloudMessages.purge(PUMP)
  assert.equal(told(), 0)
  await hub.cloudMessages.send(PUMP, message())
  assert.equal(told(), 0)
  await hub.cloudMessages.purge(PUMP)
  assert.equal(told(), 1)
  const batch = await hub.feedback.receive()
  hub.feedback.abandon(batch?.lockToken ?? '')
  assert.equal(told(), 1)
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
