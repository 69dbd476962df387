import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { detectionsDoc } from './detections-doc.ts'

test('docs/detections.md says what the rules find and what they leave alone', () => {
  const file = new URL('../docs/detections.md', import.meta.url)
  assert.equal(readFileSync(file, 'utf8'), detectionsDoc())
})
