import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type JsonObject, type JsonValue } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { evaluate } from '../../src/twins/query/evaluate.ts'
import { MAX_EXPRESSION_DEPTH } from '../../src/twins/query/parse-expression.ts'
import { MAX_QUERY_CHARACTERS, parseCondition } from '../../src/twins/query/parse-query.ts'

// Conditions of routes. The language of twin queries is fuzzed elsewhere; here is what routes add.

/** Parsing and evaluating any condition of full length take a few milliseconds. */
const MAX_MS = 250

const KEYS = ['a', 'b', 'x-y', 'q"x', 'é😀', '__proto__', '0', ''] as const
const TEXTS = ['', 'x', 'red', '1', 'é😀', 'null'] as const

const { value: json } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<JsonValue>(...TEXTS, 0, 1, -1.5, true, false, null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.constantFrom(...KEYS), tie('value')), { maxLength: 3 })
      .map((members) => Object.fromEntries(members) as JsonObject),
  ),
}))
const properties = fc
  .array(fc.tuple(fc.constantFrom(...KEYS, 'contentType'), fc.constantFrom(null, ...TEXTS)), {
    maxLength: 4,
  })
  .map((members) => Object.fromEntries(members) as JsonObject)
const documents = fc
  .record({ application: properties, body: fc.option(json, { nil: undefined }), tags: json })
  .map(({ application, body, tags }) => ({
    application,
    system: { contentType: 'text/plain', connectionDeviceId: 'd' },
    ...(body !== undefined && { body }),
    twin: { tags, properties: { desired: { a: [1, { b: 'x' }] }, reported: {} } },
  }))
type Document = JsonObject & { readonly application: JsonObject }

/** An expression as text, and what it must yield, worked out without the language. */
interface Sample {
  readonly text: string
  readonly of: (document: Document) => JsonValue | undefined
}

type Step = string | number

/** One step after the other, by hand. */
function walk(start: JsonValue | undefined, steps: readonly Step[]): JsonValue | undefined {
  let value = start
  for (const step of steps) {
    if (typeof value !== 'object' || value === null) return undefined
    if (Array.isArray(value) !== (typeof step === 'number')) return undefined
    if (!Object.keys(value).includes(String(step))) return undefined
    value = Object.entries(value).find(([key]) => key === String(step))?.[1]
  }
  return value
}

const steps = fc.array(fc.oneof(fc.constantFrom<Step>(...KEYS), fc.nat({ max: 3 })), {
  maxLength: 4,
})
const written = (list: readonly Step[]) =>
  list.map((step) => (typeof step === 'number' ? `[${step}]` : `.[[${step}]]`)).join('')

const leaf: fc.Arbitrary<Sample> = fc.oneof(
  steps.map((list) => ({ text: `$body${written(list)}`, of: (d: Document) => walk(d.body, list) })),
  steps.map((list) => ({
    text: `$twin.tags${written(list)}`,
    of: (d: Document) => walk(d, ['twin', 'tags', ...list]),
  })),
  steps.map((list) => ({
    text: `$twin.properties.DESIRED${written(list)}`,
    of: (d: Document) => walk(d, ['twin', 'properties', 'desired', ...list]),
  })),
  fc.constantFrom(...KEYS.filter((key) => key !== '')).map((key) => ({
    text: `[[${key}]]`,
    of: (d: Document) => walk(d.application, [key]),
  })),
  fc.constant<Sample>({
    text: 'contentType',
    of: (d: Document) => walk(d.application, ['contentType']) ?? missing(d),
  }),
  fc.constant<Sample>({ text: '$ContentType', of: () => 'text/plain' }),
  fc.constant<Sample>({ text: '$userId', of: () => undefined }),
  fc.constantFrom(...TEXTS).map((text) => ({ text: `'${text}'`, of: () => text })),
  fc.constantFrom(0, 1).map((number) => ({ text: `${number}`, of: () => number })),
  fc.constant<Sample>({ text: 'undefined', of: () => undefined }),
)

/** An application property that is `null` is there. */
function missing({ application }: Document): JsonValue {
  return Object.hasOwn(application, 'contentType') ? null : 'text/plain'
}

const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.tuple(tie('sample'), tie('sample')).map(([a, b]) => ({
      text: `(${a.text} || ${b.text})`,
      of: (d: Document) => {
        const [left, right] = [a.of(d), b.of(d)]
        return typeof left === 'string' && typeof right === 'string' ? left + right : undefined
      },
    })),
    fc.tuple(tie('sample'), tie('sample')).map(([a, b]) => ({
      text: `(${a.text} ?? ${b.text})`,
      of: (d: Document) => {
        const left = a.of(d)
        return left === undefined ? b.of(d) : left
      },
    })),
    tie('sample').map((a) => ({
      text: `IS_DEFINED(${a.text})`,
      of: (d: Document) => a.of(d) !== undefined,
    })),
    fc.tuple(tie('sample'), tie('sample')).map(([a, b]) => ({
      text: `(${a.text} = ${b.text})`,
      of: (d: Document) => isEqual(a.of(d), b.of(d)),
    })),
  ),
}))

function isEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  const isComparable = a !== undefined && (a === null || typeof a !== 'object')
  return isComparable && a === b
}

test('what routes add to the language yields what a naive reading of it says', () => {
  let defined = 0
  fc.assert(
    fc.property(sample, documents, ({ text, of }, document) => {
      const expected = of(document as Document)
      const actual = evaluate(parseCondition(text, 'messages'), document as Document)
      assert.deepEqual(actual, expected, text)
      if (expected !== undefined) defined++
    }),
    fuzzRuns(3000),
  )
  assert.ok(defined > 300, `only ${defined} had a value`)
})

test('the weakest operator is ??, and || is as strong as +', () => {
  const document = { application: { a: 'x', n: '1' }, system: {} }
  const results: readonly (readonly [string, JsonValue | undefined])[] = [
    ["b ?? a || 'y'", 'xy'],
    ["a || 'y' = 'xy'", true],
    ["b = 1 OR c ?? 'z'", false],
    ["b ?? c ?? 'z'", 'z'],
    ["'z' ?? b ?? c", 'z'],
    ["LENGTH(a || 'yz') + 1 = 4", true],
    ["NOT b ?? 'z'", true],
  ]
  for (const [text, expected] of results) {
    assert.deepEqual(evaluate(parseCondition(text, 'messages'), document), expected, text)
  }
})

const TOKENS = [
  ...[
    '$body',
    '$twin',
    '$twin.tags',
    '$contentType',
    '$x',
    'level',
    '[[x]]',
    '.a',
    '.',
    '[0]',
    '[',
  ],
  ...[']', '[[', ']]', '||', '??', '|', '?', '=', '<', 'AND', 'OR', 'NOT', 'IN', "['x']", '(', ')'],
  ...["'x'", "'", '1', '0x1', '1e999', 'IS_DEFINED(', 'CONCAT(', ',', '+', '-', '$', '{', '}'],
  ...['\u0000', '\ud800', '😀', '/*', '*/', 'true', 'NULL', 'undefined', 'SELECT', 'FROM'],
]
const mutated = fc
  .tuple(sample, fc.nat(), fc.nat({ max: 4 }), fc.constantFrom('', ...TOKENS))
  .map(([{ text }, seed, length, inserted]) => {
    const at = seed % (text.length + 1)
    return text.slice(0, at) + inserted + text.slice(at + length)
  })
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.array(fc.constantFrom(...TOKENS), { maxLength: 20 }).map((parts) => parts.join('')),
  fc.array(fc.constantFrom(...TOKENS), { maxLength: 20 }).map((parts) => parts.join(' ')),
  { weight: 4, arbitrary: mutated },
)

test('any condition is read and evaluated, or refused with the place of what is wrong', () => {
  let read = 0
  fc.assert(
    fc.property(texts, documents, (text, document) => {
      try {
        evaluate(parseCondition(text, 'messages'), document as Document)
        read++
      } catch (error) {
        assertRefusal(error, text)
      }
    }),
    fuzzRuns(3000),
  )
  assert.ok(read > 100, `only ${read} were valid`)
})

test('no condition of full length takes long to read or to evaluate', () => {
  const body = { a: Array.from({ length: 1000 }, (_, n) => ({ n: 'x'.repeat(50) + n })) }
  const document = { application: { level: 'x'.repeat(60_000) }, system: {}, body }
  const units = [
    'level || ',
    'level ?? ',
    '$body.a[0]',
    '[0]',
    '$body[0].',
    '??',
    '||',
    '(a ?? ',
    '$body.',
  ]
  units.push('b ?? ', "LOWER(level || level) = 'x' OR ", '$body.a[999].n = level AND ')
  for (const unit of units) {
    for (const end of ['', 'level', "'x'", ')']) {
      const count = Math.floor((MAX_QUERY_CHARACTERS - end.length) / unit.length)
      const text = unit.repeat(count) + end
      const start = process.cpuUsage()
      try {
        evaluate(parseCondition(text, 'messages'), document)
      } catch (error) {
        assertRefusal(error, text)
      }
      const { user, system } = process.cpuUsage(start)
      assert.ok((user + system) / 1000 < MAX_MS, `${(user + system) / 1000} ms for ${unit}`)
    }
  }
  const deep = `$body${'[0]'.repeat(MAX_EXPRESSION_DEPTH - 2)} = 1`
  assert.equal(evaluate(parseCondition(deep, 'messages'), { body: [] }), false)
  assert.throws(() => parseCondition(`$body${'[0]'.repeat(200)}`, 'messages'), /nests deeper/)
})

function assertRefusal(error: unknown, text: string): void {
  assert.ok(error instanceof HubError, `${error} for ${JSON.stringify(text.slice(0, 200))}`)
  assert.equal(error.code, 'ArgumentInvalid')
  if (text.length > MAX_QUERY_CHARACTERS) return
  const position = Number(error.info?.position)
  assert.ok(position >= 1 && position <= text.length + 1, error.message)
}
