import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admitReader, MAX_READERS_PER_PARTITION, stolenBy } from './reader-admission.ts'

const plain = { name: 'plain' }
const one = { name: 'one', epoch: 1n }
const two = { name: 'two', epoch: 2n }
const stolen = { code: 'LinkCreationConflict' }

test('admitReader: readers without an epoch share a partition, up to a limit', () => {
  assert.deepEqual(admitReader([], plain), [])
  assert.deepEqual(admitReader([plain, plain], plain), [])
  const full = Array.from({ length: MAX_READERS_PER_PARTITION }, () => plain)
  assert.throws(() => admitReader(full, plain), { code: 'IotHubQuotaExceeded' })
})

test('admitReader: one without an epoch is refused where one with an epoch is, 0 included', () => {
  assert.throws(() => admitReader([one], plain), stolen)
  assert.throws(() => admitReader([{ name: 'zero', epoch: 0n }], plain), stolen)
})

test('admitReader: a higher or the same epoch takes the place, a lower one is refused', () => {
  assert.deepEqual(admitReader([one], two), [one])
  assert.deepEqual(admitReader([one], { ...one, name: 'newer' }), [one])
  assert.throws(() => admitReader([two], one), stolen)
  const wide = 1_689_114_528_157_893_058n
  assert.throws(() => admitReader([{ name: 'a', epoch: wide }], { name: 'b', epoch: wide - 1n }), {
    ...stolen,
    message: /1689114528157893058/,
  })
})

test('admitReader: one with an epoch takes the place of all that have none, however many', () => {
  const full = Array.from({ length: MAX_READERS_PER_PARTITION }, () => plain)
  assert.deepEqual(admitReader(full, { name: 'zero', epoch: 0n }), full)
})

test('stolenBy: says who took the place of whom', () => {
  const { code, message } = stolenBy(two, one)
  assert.equal(code, 'LinkCreationConflict')
  assert.match(message, /'two'.*'2'.*'one'.*'1'/)
})
