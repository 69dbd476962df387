import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findsInLast, readVectors, vectorTypes } from '../../test/detection-vectors.ts'
import { hubRules } from './hub/index.ts'
import { builtInRules } from './rules/index.ts'

test('vectors: every rule has a file, and every file a rule', () => {
  const types = [...builtInRules(), ...hubRules].map(({ type }) => type.alertType)
  assert.deepEqual([...vectorTypes()], types.sort())
})

for (const alertType of vectorTypes()) {
  const { lists, fires, quiet } = readVectors(alertType)
  const rule = [...builtInRules(lists), ...hubRules].find(
    ({ type }) => type.alertType === alertType,
  )

  test(`${alertType}: every line that must fire does, once`, () => {
    assert.ok(rule)
    assert.ok(fires.length > 0)
    const missed = fires.filter((vector) => findsInLast(rule, vector) !== 1)
    assert.deepEqual(missed, [])
  })

  test(`${alertType}: every line that must be quiet is`, () => {
    assert.ok(rule)
    assert.ok(quiet.length > 0)
    const wrong = quiet.filter((vector) => findsInLast(rule, vector) !== 0)
    assert.deepEqual(wrong, [])
  })
}
