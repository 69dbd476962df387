import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CATALOGUE } from '../packages/security/src/recommendations/catalogue.ts'
import { recommendationsDoc } from './recommendations-doc.ts'

test('docs/recommendations.md is what the catalogue says', () => {
  const url = new URL('../docs/recommendations.md', import.meta.url)
  assert.equal(readFileSync(url, 'utf8'), recommendationsDoc(), 'run tools/recommendations-doc.ts')
})

test('every recommendation says what it is judged by and what to do', () => {
  const names = CATALOGUE.map(({ type }) => type.recommendationType)
  assert.equal(new Set(names).size, names.length)
  for (const { type, computation } of CATALOGUE) {
    assert.notEqual(computation, '', type.recommendationType)
    assert.ok(type.remediationSteps.length > 0, type.recommendationType)
  }
})
