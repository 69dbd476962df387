import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { Automaton } from '../../src/detection/sigma/regex/automaton.ts'
import { neededLiterals } from '../../src/detection/sigma/regex/needed.ts'
import { parsePattern } from '../../src/detection/sigma/regex/parse.ts'

/** Patterns that JavaScript reads as we do, over few letters so that texts do match. */
const atom = fc.constantFrom(
  ...['a', 'b', 'A', ' ', '-', '.', '\\.', '\\d', '\\w', '\\s', '\\S', '\\W', '\\x61', '\\n'],
  ...[
    '[ab]',
    '[^a]',
    '[a-c_]',
    '[\\d-]',
    '[^\\w\\n]',
    '\\b',
    '\\B',
    '^',
    '$',
    'é',
    '[à-ü]',
    '\\u00e9',
  ],
)
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '{0,2}', '{2,}', '*?')
const simple = fc
  .array(
    fc
      .tuple(atom, quantifier)
      .map(([one, times]) => (/^(\^|\$|\\[bB])$/.test(one) ? one : one + times)),
    { minLength: 1, maxLength: 4 },
  )
  .map((pieces) => pieces.join(''))
/** Groups within groups, but few: what grows without end tells nothing more. */
const grouped = fc
  .tuple(simple, fc.constantFrom('', '|'), simple, quantifier, fc.constantFrom('', '?:'))
  .map(([left, or, right, times, open]) => `(${open}${left}${or}${right})${times}`)
const nested = fc
  .tuple(simple, grouped, quantifier)
  .map(([left, inner, times]) => `(?:${left}${inner})${times}`)
const pattern = fc
  .array(fc.oneof(simple, grouped, nested, fc.constant('|')), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join(''))
const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'A', 'c', ' ', '-', '.', '1', '_', '\n', 'é', '💥', '\r'),
  maxLength: 14,
})
const flags = fc.constantFrom('', 'i', 'm', 's', 'im')

test('regular expressions: the same texts match as in JavaScript, for any pattern', () => {
  const property = fc.property(
    pattern,
    flags,
    fc.array(text, { maxLength: 12 }),
    (source, f, texts) => {
      const automaton = automatonOf(source, f)
      if (!automaton) return
      const oracle = new RegExp(source, f)
      for (const one of texts) {
        assert.equal(automaton.test(one), oracle.test(one), JSON.stringify([source, f, one]))
      }
    },
  )
  fc.assert(property, fuzzRuns(600))
})

test('regular expressions: what is told to be in every match is in every match', () => {
  const property = fc.property(
    pattern,
    flags,
    fc.array(text, { maxLength: 12 }),
    (source, f, texts) => {
      const needed = neededLiterals(parsePattern(source, flagsOf(f)))
      if (!needed) return
      const oracle = new RegExp(source, f)
      for (const one of texts.filter((each) => oracle.test(each))) {
        assert.ok(
          needed.some((literal) => one.toLowerCase().includes(literal)),
          `${source} in ${one}`,
        )
      }
    },
  )
  fc.assert(property, fuzzRuns(400))
})

test('regular expressions: any text is read or refused with a reason, and soon', () => {
  const pieces = [
    '(',
    ')',
    '[',
    ']',
    '{1,900}',
    '*',
    '+',
    '?',
    '|',
    '\\',
    '(?i)',
    '(?=',
    '^',
    '.',
    'a',
  ]
  const piece = fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 4 }))
  const source = fc.array(piece, { maxLength: 40 }).map((parts) => parts.join(''))
  const property = fc.property(source, text, (one, on) => {
    try {
      new Automaton(parsePattern(one)).test(on)
    } catch (error) {
      assert.ok(error instanceof HubError && error.code === 'ArgumentInvalid', String(error))
    }
  })
  fc.assert(property, fuzzRuns(150))
})

function flagsOf(words: string) {
  return { i: words.includes('i'), m: words.includes('m'), s: words.includes('s') }
}

/** None where the table would be too large, which the third test is about. */
function automatonOf(source: string, words: string): Automaton | undefined {
  try {
    return new Automaton(parsePattern(source, flagsOf(words)))
  } catch (error) {
    if (error instanceof HubError && /table|states/.test(error.message)) return undefined
    throw error
  }
}
