import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configurationDoc } from './configuration-doc.ts'

test('docs/operate/configuration.md says what the settings are', () => {
  const file = new URL('../docs/operate/configuration.md', import.meta.url)
  assert.equal(readFileSync(file, 'utf8'), configurationDoc())
})
