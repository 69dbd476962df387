import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import type { Value } from './ast.ts'
import { evaluate, matches } from './evaluate.ts'
import { parseCondition } from './parse-query.ts'
import { compareTexts } from './values.ts'

const document: JsonObject = {
  deviceId: 'd',
  statusReason: null,
  tags: { one: 1, text: 'abc', yes: true, no: false, list: [1], object: { one: 1 }, face: '😀x' },
}

function is(condition: string): boolean {
  return matches(parseCondition(condition), document)
}

function resultOf(expression: string): Value {
  return evaluate(parseCondition(expression), document)
}

test('matches: only true selects', () => {
  assert.equal(is('tags.yes'), true)
  for (const other of [
    'tags.no',
    'tags.one',
    'tags.text',
    'tags.object',
    'tags.none',
    'NULL',
    '1',
  ]) {
    assert.equal(is(other), false, other)
    assert.equal(is(`NOT ${other}`), true, other)
  }
})

test('matches: nothing is coerced, and what is missing or no primitive compares to nothing', () => {
  const all = ['=', '!=', '<', '<=', '>', '>=']
  const pairs = [
    ['tags.one', "'1'"],
    ['tags.one', 'TRUE'],
    ['tags.yes', '1'],
    ['tags.text', '1'],
    ['tags.none', '1'],
    ['tags.none', 'tags.none'],
    ['tags.none', 'UNDEFINED'],
    ['tags.none', 'NULL'],
    ['statusReason', "''"],
    ['tags.list', 'tags.list'],
    ['tags.object', 'tags.object'],
    ['tags.list.[[0]]', '1'],
    ['tags.text.length', '3'],
  ]
  for (const [left, right] of pairs) {
    for (const operator of all) {
      assert.equal(is(`${left} ${operator} ${right}`), false, `${left} ${operator} ${right}`)
      assert.equal(is(`${right} ${operator} ${left}`), false, `${right} ${operator} ${left}`)
    }
    assert.equal(is(`NOT ${left} = ${right}`), true)
  }
})

test('matches: null equals null; only numbers and strings have an order', () => {
  assert.equal(is('statusReason = NULL'), true)
  assert.equal(is('statusReason >= NULL'), false)
  assert.equal(is('tags.no < tags.yes'), false)
  assert.equal(is("tags.text < 'abd' AND tags.text > 'ABC' AND tags.text >= 'abc'"), true)
  assert.equal(is('tags.one < 1.5 AND tags.one >= 1 AND 2 > tags.one'), true)
})

test('matches: IN and NIN ask about primitives', () => {
  assert.equal(is("tags.one IN ['1', 1]"), true)
  assert.equal(is("tags.one NIN ['1', TRUE]"), true)
  assert.equal(is('tags.none IN [UNDEFINED, NULL]'), false)
  assert.equal(is('tags.none NIN [1] OR tags.list NIN [1] OR tags.object NIN [1]'), false)
  assert.equal(is('statusReason IN [NULL]'), true)
})

test('evaluate: functions work on what they are for, and are undefined for the rest', () => {
  const values: Readonly<Record<string, Value>> = {
    'IS_DEFINED(statusReason)': true,
    'IS_DEFINED(tags.none)': false,
    'IS_NULL(statusReason)': true,
    'IS_BOOL(tags.no)': true,
    'IS_ARRAY(tags.list)': true,
    'IS_OBJECT(tags.list)': false,
    'IS_PRIMITIVE(statusReason)': true,
    'IS_PRIMITIVE(tags.none)': false,
    "STARTS_WITH(tags.text, 'ab')": true,
    "ENDS_WITH(tags.text, 'ab')": false,
    "CONTAINS(tags.text, 'b')": true,
    "INDEX_OF(tags.face, 'x')": 1,
    "INDEX_OF(tags.face, 'y')": -1,
    'LENGTH(tags.face)': 2,
    'LENGTH(tags.list)': undefined,
    "UPPER('straße é')": 'STRASSE É',
    'SUBSTRING(tags.face, 1)': 'x',
    'SUBSTRING(tags.text, 1, 1)': 'b',
    'SUBSTRING(tags.text, 9)': '',
    'SUBSTRING(tags.text, 0 - 1)': undefined,
    "CONCAT(tags.text, '-', deviceId)": 'abc-d',
    'CONCAT(tags.text, tags.one)': undefined,
    "AS_NUMBER('1.5e2')": 150,
    "AS_NUMBER('0x10')": undefined,
    'ABS(-2) + CEILING(0.5) * POWER(2, 3) - SQUARE(3) % 4': 9,
    '5 / 2': 2.5,
    'tags.one / 0': undefined,
    'SQRT(-1)': undefined,
    '-tags.one * 0': 0,
    "tags.one + '1'": undefined,
    'SIGN(-3)': -1,
  }
  for (const [expression, value] of Object.entries(values)) {
    assert.deepEqual(resultOf(expression), value, expression)
  }
})

test('compareTexts: by code point, as UTF-8 sorts', () => {
  const texts = ['', 'A', 'a', 'ab', 'é', '\ud7ff', '\ue000', '\uffee', '😀', '😀a', '😁']
  for (const a of texts) {
    for (const b of texts) {
      const expected = Buffer.compare(Buffer.from(a), Buffer.from(b))
      assert.equal(Math.sign(compareTexts(a, b)), expected, `${a} ${b}`)
    }
  }
})
