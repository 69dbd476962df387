import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, parseDuration } from './iso-duration.ts'

test('parseDuration: every designator counts, weeks and fractions of a second included', () => {
  assert.equal(parseDuration('PT7M'), 420_000)
  assert.equal(parseDuration('P1W2DT3H4M5.5S'), 788_645_500)
  assert.equal(parseDuration('P1D'), 86_400_000)
})

test('parseDuration: what is no duration, or has no fixed length, is refused', () => {
  for (const text of ['', 'P', 'PT', 'P1DT', 'P1Y', 'P1M', 'PT1.5M', '-PT1M', 'PT1M ', 'pt1m']) {
    assert.equal(parseDuration(text), undefined, text)
  }
  assert.equal(parseDuration(`P${'9'.repeat(40)}D`), undefined)
})

test('parseDuration: a month is 30 days only where an agent may have written it', () => {
  assert.equal(parseDuration('P1M', { agentMonths: true }), 30 * 86_400_000)
  assert.equal(parseDuration('P1MT1M', { agentMonths: true }), 30 * 86_400_000 + 60_000)
})

test('formatDuration: parses back to the same milliseconds, without weeks', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60 * 86_400_000 }), (ms) => {
      const text = formatDuration(ms)
      assert.equal(parseDuration(text), ms)
      assert.doesNotMatch(text, /W/)
    }),
  )
})
