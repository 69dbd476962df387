import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Era } from './eras.ts'
import { settingsOf } from './tables.ts'
import { unifiedSettings } from './unified.ts'

function unified(era: Era, changes: { readonly [name: string]: string | boolean } = {}) {
  const defaults = [...settingsOf(era).values()].map(({ name, default: value }) => [name, value])
  return unifiedSettings({ ...Object.fromEntries(defaults), ...changes }, era)
}

test('unifiedSettings: every era says the same thing in the same words', () => {
  assert.equal(unified('legacy')['classes.high.interval'], 420)
  assert.equal(unified('early')['classes.low.interval'], 18_000)
  assert.equal(unified('micro')['classes.low.interval'], 86_400)
  assert.equal(unified('rtos')['classes.high.interval'], 10)
  assert.deepEqual(unified('preview'), {})
  assert.equal(unified('legacy')['collectors.login.class'], 'High')
  assert.equal(unified('micro')['collectors.login.class'], 'Medium')
})

test('unifiedSettings: a collector that is switched off is of no class', () => {
  const off = { Login_Disabled: true, FileSystem_Paths: '/etc, /opt' }
  const seen = unified('micro', off)
  assert.equal(seen['collectors.login.class'], 'Off')
  assert.deepEqual(seen['collectors.files.paths'], ['/etc', '/opt'])
  assert.equal('collectors.process.aggregate' in unified('early'), false)
})
