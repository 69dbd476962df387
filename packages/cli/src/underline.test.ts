import assert from 'node:assert/strict'
import { test } from 'node:test'
import { underline } from './underline.ts'

test('underline: the caret stands below the character, in its own line', () => {
  assert.equal(underline('SELECT * FORM devices', 10), '  SELECT * FORM devices\n           ^')
  assert.equal(underline('SELECT *\nFORM devices\nWHERE x', 10), '  FORM devices\n  ^')
  assert.equal(underline('SELECT', 7), '  SELECT\n        ^')
  assert.equal(underline('SELECT\n', 7), '  SELECT\n        ^')
  assert.equal(underline('', 1), '  \n  ^')
  assert.equal(underline('a', 99), '  a\n   ^')
})

test('underline: of a long line only the neighbourhood is shown, and no control characters', () => {
  const [line = '', caret = ''] = underline(`${'x'.repeat(500)}!${'y'.repeat(500)}`, 501).split(
    '\n',
  )
  assert.ok(line.length < 120)
  assert.equal(line[caret.indexOf('^')], '!')
  const [risky = '', below = ''] = underline('a\u001b[31m\tb!', 9).split('\n')
  assert.ok(!risky.includes('\u001b'))
  assert.equal(risky[below.indexOf('^')], '!')
})
