import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatFields, formatJson, formatTime, printable, shorten } from './output.ts'
import { formatTable } from './table.ts'

test('printable: a text from a device cannot steer the terminal', () => {
  assert.equal(
    printable('a\u001b[2Jb\r\n\u009bc\u202e'),
    'a\\u001b[2Jb\\u000d\\u000a\\u009bc\\u202e',
  )
  assert.equal(printable('Grüße, 世界 – 😀'), 'Grüße, 世界 – 😀')
})

test('formatTable: columns are aligned, without lines, colours and trailing blanks', () => {
  const text = formatTable(
    ['ID', 'STATUS'],
    [
      ['pump-1', 'enabled'],
      ['a', ''],
    ],
    false,
  )
  assert.equal(text, 'ID      STATUS\npump-1  enabled\na')
})

test('formatTable: cells are made printable', () => {
  assert.ok(!formatTable(['A'], [['\u001b[31mred']], false).includes('\u001b'))
})

test('formatFields: values are aligned, missing ones left out', () => {
  const text = formatFields([
    ['Device', 'a'],
    ['Module', undefined],
    ['Managed by', 'b'],
    ['Reason', ''],
  ])
  assert.equal(text, 'Device      a\nManaged by  b')
})

test('formatJson: is JSON again when nothing had to be escaped', () => {
  const value = { a: [1, { b: 'ü' }], c: null }
  assert.deepEqual(JSON.parse(formatJson(value)), value)
})

test('formatTime: IoT Hub’s never, none and a time', () => {
  assert.equal(formatTime('0001-01-01T00:00:00Z'), 'never')
  assert.equal(formatTime(null), 'never')
  assert.equal(formatTime('2026-01-31T12:00:00.1230000Z'), '2026-01-31 12:00:00Z')
})

test('shorten: never longer than asked for', () => {
  assert.equal(shorten('abcdef', 6), 'abcdef')
  assert.equal(shorten('abcdefg', 6), 'abcde…')
})
