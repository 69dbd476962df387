import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DesiredOrder, GAP_MS, MAX_HELD_CHANGES } from './desired-order.ts'

const message = (version: number) => Buffer.from(String(version))
const texts = (messages: readonly Buffer[]) => messages.map(String)

test('change: the first one goes, whatever its version; then each after the one before', () => {
  const order = new DesiredOrder()
  assert.deepEqual(texts(order.change(7, message(7), 0)), ['7'])
  assert.deepEqual(texts(order.change(9, message(9), 0)), [])
  assert.deepEqual(texts(order.change(10, message(10), 0)), [])
  assert.deepEqual(texts(order.change(8, message(8), 0)), ['8', '9', '10'])
  assert.deepEqual(texts(order.change(8, message(8), 0)), [])
})

test('read: a twin that was read stands for every change up to it', () => {
  const order = new DesiredOrder()
  order.change(1, message(1), 0)
  order.change(3, message(3), 0)
  order.change(5, message(5), 0)
  assert.deepEqual(texts(order.read(4)), ['5'])
  assert.equal(order.isBroken(GAP_MS), false)
})

test('isBroken: a gap is waited for so long and with so many behind it', () => {
  const slow = new DesiredOrder()
  slow.change(1, message(1), 0)
  slow.change(3, message(3), 5)
  assert.equal(slow.isBroken(GAP_MS + 4), false)
  assert.equal(slow.isBroken(GAP_MS + 5), true)
  const many = new DesiredOrder()
  many.change(1, message(1), 0)
  for (let n = 0; n <= MAX_HELD_CHANGES; n++) many.change(n + 3, message(n), 0)
  assert.equal(many.isBroken(0), true)
})
