import assert from 'node:assert/strict'
import { test } from 'node:test'
import { corpusLines, explainedAlarms, falseAlarms } from '../../test/detection-figures.ts'

/** Lines that the figures are worth something with, and alarms among a thousand of them. */
const MIN_LINES = 5000
const MAX_ALARMS_PER_1000 = 1

test('corpus: at least 5,000 distinct ordinary lines, without places of a person', () => {
  const lines = corpusLines()
  assert.ok(lines.length >= MIN_LINES)
  assert.equal(new Set(lines).size, lines.length)
  assert.deepEqual(
    lines.filter((line) => /\/home\/[a-z]|\/root\/[a-z]|\/work\b/.test(line)),
    [],
  )
})

test('corpus: false alarms are under 1 in 1,000 lines, and each is explained', () => {
  const alarms = falseAlarms()
  const explained = explainedAlarms()
  const plain = explained.map(({ line, alertType }) => ({ line, alertType }))
  assert.deepEqual(alarms, plain)
  assert.ok(explained.every(({ why }) => why.length > 40))
  const flagged = new Set(alarms.map(({ line }) => line)).size
  assert.ok((flagged / corpusLines().length) * 1000 < MAX_ALARMS_PER_1000)
})
