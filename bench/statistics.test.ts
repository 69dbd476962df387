import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, pairedRatio, spread } from './statistics.ts'

test('median: the middle one, or the mean of the middle two, whatever the order', () => {
  assert.equal(median([9, 1, 5]), 5)
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.ok(Number.isNaN(median([])))
})

test('spread: half of highest minus lowest, relative to the median', () => {
  assert.equal(spread([90, 100, 110]), 0.1)
})

test('pairedRatio: a machine that slows down between rounds does not change the ratio', () => {
  assert.equal(pairedRatio([200, 100, 50], [100, 50, 25]), 2)
})
