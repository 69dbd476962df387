import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable } from './printable.ts'

test('printable: controls and marks of direction become visible', () => {
  assert.equal(printable('a\x1b[2J\n\0\u202eb\u2028', 99), 'a\\x1b[2J\\x0a\\x00\\u202eb\\u2028')
  assert.equal(printable('é 💥 中', 99), 'é 💥 中')
})

test('printable: cut to the limit with a mark, never through a character', () => {
  assert.equal(printable('abcdef', 6), 'abcdef')
  assert.equal(printable('abcdefg', 6), 'abcde…')
  assert.equal(printable('abcd💥g', 6), 'abcd…')
  assert.equal(printable('\0'.repeat(9), 10).length, 10)
  assert.equal(printable('a\ud800b', 9), 'a\ufffdb')
})
