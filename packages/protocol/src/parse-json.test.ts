import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HubError } from './errors.ts'
import { findJsonFault } from './json-fault.ts'
import { MAX_JSON_DEPTH } from './limits.ts'
import { parseJson } from './parse-json.ts'

const faults: readonly (readonly [text: string, says: RegExp])[] = [
  ['', /empty/],
  ['  \n ', /empty/],
  ['{', /expected a name in quotes \(line 1, column 2\)/],
  ['{"a"', /expected ':' \(line 1, column 5\)/],
  ['{"a":', /expected a value \(line 1, column 6\)/],
  ['{"a":1,}', /expected a name in quotes \(line 1, column 8\)/],
  ['{"a":1 "b":2}', /expected ',' or '}' \(line 1, column 8\)/],
  ['{\n  "a": 1,\n  b: 2\n}', /line 3, column 3/],
  ['[1,]', /expected a value \(line 1, column 4\)/],
  ['[1', /expected ',' or ']'/],
  ['{} {}', /expected the end \(line 1, column 4\)/],
  ['nul', /expected a value/],
  ['01', /expected the end/],
  ['-', /expected a value/],
  ['NaN', /expected a value/],
  ['"abc', /rest of the string \(line 1, column 5\)/],
  ['"a\tb"', /rest of the string \(line 1, column 3\)/],
  ['"\\x"', /escaped character/],
  ["{'a':1}", /a name in quotes/],
  ['{"a":1,"a":1}', /member "a" is there twice \(line 1, column 8\)/],
  ['{"x":{"y":[{"a":1,"a":2}]}}', /member "a" of "x\.y\.0" is there twice/],
  ['{"a":1,"\\u0061":2}', /member "a" is there twice/],
  ['{"a" :1, "a" :2}', /member "a" is there twice/],
  ['{"a":": :","a":": :"}', /member "a" is there twice/],
  ['{"__proto__":1,"__proto__":2}', /"__proto__" is there twice/],
  ['{"a":"\\ud800"}', /string of "a" contains half a surrogate pair/],
  ['{"\\uDC00":1}', /half a surrogate pair/],
  ['{"a":[1e400]}', /number of "a\.0" is out of range/],
  ['1e400', /out of range/],
  ['{"a":-1e400}', /number of "a" is out of range/],
]

for (const [text, says] of faults) {
  test(`parseJson: refuses ${JSON.stringify(text)} and says where`, () => {
    assert.throws(
      () => parseJson(text),
      (error) => {
        assert.ok(error instanceof HubError)
        assert.equal(error.code, 'GenericBadRequest')
        assert.match(error.message, says)
        assert.match(error.message, /\.$/)
        return true
      },
    )
  })
}

test('parseJson: the depth ends at the limit, before any stack does', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  parseJson(nested(MAX_JSON_DEPTH))
  const tooDeep = [
    nested(MAX_JSON_DEPTH + 1),
    nested(500_000),
    '['.repeat(1_000_000),
    '{"a":'.repeat(200_000),
  ]
  for (const text of tooDeep) assert.throws(() => parseJson(text), /deeper than 64 levels/)
})

test('parseJson: takes a byte order mark, whole surrogate pairs and repeated names elsewhere', () => {
  assert.deepEqual(parseJson('\ufeff{"a":1}'), { a: 1 })
  assert.deepEqual(parseJson('{"a":"\\ud83d\\ude00"}'), { a: '😀' })
  assert.deepEqual(parseJson('{"a":{"a":"a: \\":"},"b":{"a":" :"}}'), {
    a: { a: 'a: ":' },
    b: { a: ' :' },
  })
  assert.equal(JSON.stringify(parseJson('{"__proto__":{"b":1}}')), '{"__proto__":{"b":1}}')
})

test('parseJson: a long string costs no stack', () => {
  const long = 'x\\n'.repeat(400_000)
  assert.throws(() => parseJson(`{"a":"${long}","a":1}`), /member "a" is there twice/)
})

test('parseJson: throws the code it is given, and long names shortened', () => {
  const name = 'n'.repeat(500)
  assert.throws(
    () => parseJson(`{"${name}":1,"${name}":2}`, 'ArgumentInvalid'),
    (error) =>
      error instanceof HubError && error.code === 'ArgumentInvalid' && error.message.length < 150,
  )
})

test('parseJson: gives what JSON.parse gives, of any JSON in any layout', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      assert.deepEqual(parseJson(text), JSON.parse(text))
      assert.equal(findJsonFault(text), undefined)
    }),
  )
})

test('parseJson: a text that was damaged is refused exactly when JSON.parse refuses it', () => {
  const damage = fc.record({
    at: fc.nat(),
    insert: fc.constantFrom('', '"', '{', '}', ',', ':', '\\', '0', ' ', '\n', 'e', '-'),
    remove: fc.nat(2),
  })
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), damage, (value, { at, insert, remove }) => {
      const whole = JSON.stringify(value)
      const cut = at % (whole.length + 1)
      const text = whole.slice(0, cut) + insert + whole.slice(cut + remove)
      const isJson = parses(text)
      const fault = findJsonFault(text)
      if (!isJson) assert.match(fault ?? '', /not JSON|empty|twice|out of range|surrogate/)
      else if (fault !== undefined) assert.match(fault, /twice|out of range|surrogate/)
      assert.equal(refuses(text), fault !== undefined)
    }),
    { numRuns: 1000 },
  )
})

test('parseJson: a member named twice is found, whatever stands around it', () => {
  const member = fc.tuple(fc.constantFrom('a', 'b', ':', '" :'), fc.jsonValue({ maxDepth: 2 }))
  const layout = fc.constantFrom(':', ' :', ': ', '\n:\t')
  fc.assert(
    fc.property(fc.array(member, { maxLength: 6 }), layout, (members, colon) => {
      const inside = members.map(
        ([name, value]) => `${JSON.stringify(name)}${colon}${JSON.stringify(value)}`,
      )
      const names = members.map(([name]) => name)
      assert.equal(refuses(`[{${inside.join(',')}}]`), new Set(names).size < names.length)
    }),
  )
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function refuses(text: string): boolean {
  try {
    parseJson(text)
    return false
  } catch (error) {
    assert.ok(error instanceof HubError)
    return true
  }
}
