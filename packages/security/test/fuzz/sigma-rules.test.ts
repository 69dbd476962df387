import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { compileRule } from '../../src/detection/sigma/compile.ts'
import { readDocuments } from '../../src/detection/sigma/documents.ts'
import { LiteralIndex } from '../../src/detection/sigma/literal-index.ts'
import { SigmaRuleSet } from '../../src/detection/sigma/sigma-rule-set.ts'
import { processRecord } from '../records.ts'
import { SIGMA_FILES, sigmaText } from '../sigma-vectors.ts'

const rules = SIGMA_FILES.flatMap((file) => sigmaText(file).split('\n---\n'))
const pieces = [
  ...[
    '&a ',
    '*a',
    '!!binary ',
    '!x ',
    '{',
    '}',
    '[',
    ']',
    ': ',
    '- ',
    '? ',
    '|',
    '>',
    '\n',
    '---\n',
  ],
  ...[
    '%YAML 1.1\n',
    '<<: ',
    '__proto__: ',
    '"',
    "'",
    '#',
    '\t',
    '\0',
    '💥',
    '|re: ',
    '|all',
    '|cidr: ',
  ],
  ...[
    'condition: ',
    'not ',
    '1 of ',
    '(',
    ')',
    '*',
    '\\',
    '|base64offset',
    '|wide',
    '|windash',
    '1e999',
  ],
]

/** A rule with parts cut out and others put in. */
const mutated = fc
  .tuple(
    fc.constantFrom(...rules),
    fc.array(
      fc.tuple(
        fc.nat({ max: 2000 }),
        fc.nat({ max: 12 }),
        fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 5 })),
      ),
      { minLength: 1, maxLength: 6 },
    ),
  )
  .map(([text, edits]) =>
    edits.reduce((all, [at, cut, piece]) => {
      const place = at % (all.length + 1)
      return all.slice(0, place) + piece + all.slice(place + cut)
    }, text),
  )

test('Sigma: whatever is made of a rule is read, or refused with a reason, and then judged', () => {
  const property = fc.property(mutated, fc.string({ maxLength: 40 }), (text, cmd) => {
    let documents: ReturnType<typeof readDocuments>
    try {
      documents = readDocuments(text)
    } catch (error) {
      assert.ok(error instanceof HubError && error.code === 'ArgumentInvalid', String(error))
      return
    }
    const compiled = documents.flatMap(({ value, problem, text: own }) => {
      if (problem !== undefined) return []
      const one = compileRule(value ?? null)
      if (typeof one === 'string') return []
      assert.match(one.rule.id, /^[a-z0-9][a-z0-9-]{0,63}$/)
      assert.equal(one.support === 'supported', one.reasons.length === 0)
      // Kept as its own text, it is the same rule again.
      const [again] = readDocuments(own)
      const same = compileRule(again?.value ?? null)
      assert.ok(typeof same !== 'string' && same.rule.id === one.rule.id, own)
      return [one]
    })
    new SigmaRuleSet(compiled).evaluate({ record: processRecord({ cmd, exe: cmd }) })
  })
  fc.assert(property, fuzzRuns(150))
})

test('Sigma: bombs of aliases and depth are refused', () => {
  const levels = Array.from(
    { length: 12 },
    (_, at) => `a${at}: &a${at} [${`*a${at - 1}, `.repeat(9)}]`,
  )
  const bomb = ['a0: &a0 [x]', ...levels.slice(1)].join('\n')
  const [document] = readDocuments(bomb)
  assert.match(document?.problem ?? '', /alias/i)
  const problem = (text: string) => readDocuments(text)[0]?.problem ?? ''
  for (const open of ['[', '{', '[{']) {
    assert.match(problem(`title: ${open.repeat(30_000)}`), /too deep/)
  }
  const dashes = readDocuments(`${'- '.repeat(40)}x`)
  assert.match(dashes[0]?.problem ?? '', /too deep/)
  const lines = Array.from({ length: 3000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')
  assert.match(problem(lines.slice(0, 60_000)), /too deep/)
  assert.match(problem(lines.slice(0, 1_000_000)), /more than 65536 bytes/)
  const tag = readDocuments('title: !!js/function "x"')
  assert.ok(tag[0]?.problem)
})

test('literals: the index finds what includes() finds, each once', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é'), minLength: 1, maxLength: 6 })
  const property = fc.property(
    fc.uniqueArray(text, { maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', 'é'), maxLength: 60 }),
    (literals, on) => {
      const found: string[] = []
      new LiteralIndex(literals).scan(on, (number) => found.push(literals[number] ?? ''))
      assert.deepEqual(found.sort(), literals.filter((one) => on.includes(one)).sort())
    },
  )
  fc.assert(property, fuzzRuns(300))
})
