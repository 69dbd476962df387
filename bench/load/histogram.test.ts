import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from './histogram.ts'

test('a quantile is off by no more than a bucket, 1/32 of the value', () => {
  const histogram = new Histogram()
  const values = Array.from({ length: 5_000 }, (_, i) => 0.001 * 1.0035 ** i)
  for (const value of values) histogram.record(value)
  for (const q of [0.01, 0.5, 0.9, 0.99, 1]) {
    const exact = values[Math.ceil(q * values.length) - 1] ?? Number.NaN
    const got = histogram.quantileMs(q)
    assert.ok(got >= exact - 0.001 && got <= exact * (1 + 1 / 32) + 0.001, `${q}: ${got}, ${exact}`)
  }
  assert.equal(histogram.total, values.length)
  assert.equal(histogram.maxMs, values.at(-1))
})

test('an empty histogram answers 0, before its first value and after reset', () => {
  const histogram = new Histogram()
  assert.equal(histogram.quantileMs(0.5), 0)
  histogram.record(3, 2)
  assert.equal(histogram.quantileMs(0.5), 3)
  histogram.reset()
  assert.equal(histogram.quantileMs(0.99), 0)
  assert.equal(histogram.maxMs, 0)
})
