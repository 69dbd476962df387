import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { HubError } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { SqliteRegistry } from '../../src/adapters/sqlite/registry.ts'
import { MAX_EXPRESSION_DEPTH } from '../../src/twins/query/parse-expression.ts'
import { MAX_QUERY_CHARACTERS, parseQuery } from '../../src/twins/query/parse-query.ts'
import { Queries } from '../../src/twins/query/queries.ts'
import { arbitraryEntry, query } from '../query-arbitraries.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-query-fuzz-'))
let registry: SqliteRegistry
let queries: Queries
before(async () => {
  registry = await SqliteRegistry.open({
    file: join(folder, 'hub.db'),
    onFailure(error) {
      throw error
    },
  })
  const refs = ['d-1', 'd-2', 'd-3'].map((deviceId) => ({ deviceId }))
  const [entries] = fc.sample(fc.tuple(...refs.map(arbitraryEntry)), { numRuns: 1, seed: 3 })
  assert.equal(await registry.insert(entries ?? []), 'inserted')
  queries = new Queries(registry)
})
after(async () => {
  await registry.close()
  rmSync(folder, { recursive: true })
})

/** No text of 8,192 characters may cost more of a processor; it needs a few milliseconds. */
const MAX_PARSE_MS = 250

const TOKENS = [
  ...[
    'SELECT',
    '*',
    'TOP',
    'FROM',
    'devices',
    'devices.modules',
    'devices.jobs',
    'WHERE',
    'GROUP BY',
  ],
  ...[
    'AND',
    'OR',
    'NOT',
    'IN',
    'NIN',
    '(',
    ')',
    '[',
    ']',
    '[[',
    ']]',
    ',',
    '.',
    '=',
    '!=',
    '<>',
    '<=',
  ],
  ...[
    '+',
    '-',
    '*',
    '/',
    '%',
    "'x'",
    '"y"',
    "'",
    '"',
    '\\',
    '1',
    '0x',
    '0xff',
    '1e9',
    '1e999',
    'NULL',
  ],
  ...[
    'TRUE',
    'UNDEFINED',
    'AS',
    'n',
    'COUNT()',
    'SUM(',
    'tags',
    '.a',
    'properties.reported.x',
    '/*',
  ],
  ...[
    '*/',
    'IS_DEFINED(',
    'CONCAT(',
    'deviceId',
    '$metadata',
    '||',
    '??',
    '\u0000',
    '\ud800',
    '😀',
  ],
]
const tokens = fc
  .array(fc.constantFrom(...TOKENS), { maxLength: 30 })
  .map((parts) => parts.join(' '))
const mutated = fc
  .tuple(query, fc.nat(), fc.nat({ max: 5 }), fc.oneof(fc.constantFrom('', ...TOKENS), fc.string()))
  .map(([text, seed, length, inserted]) => {
    const at = seed % (text.length + 1)
    return text.slice(0, at) + inserted + text.slice(at + length)
  })

test('any text is answered, or refused with ArgumentInvalid that names a character', async () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    tokens,
    tokens.map((text) => `SELECT * FROM devices WHERE ${text}`),
    mutated,
    mutated,
  )
  let answered = 0
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      try {
        await queries.run(text)
        answered++
      } catch (error) {
        assertRefusal(error, text)
      }
    }),
    fuzzRuns(3000),
  )
  assert.ok(answered > 200, `only ${answered} were valid`)
})

test('no text of full length takes long, however it nests, and what is valid SQLite can run', async () => {
  const fill = (unit: string, before = '', behind = '') => {
    const count = Math.floor(
      (MAX_QUERY_CHARACTERS - 40 - before.length - behind.length) / unit.length,
    )
    return `SELECT * FROM devices WHERE ${before}${unit.repeat(count)}${behind}`
  }
  const nested = (open: string, inner: string, close: string, depth: number) =>
    `SELECT * FROM devices WHERE ${open.repeat(depth)}${inner}${close.repeat(depth)}`
  const refused = [
    ...[
      '(',
      'NOT ',
      '-',
      '[',
      '[[',
      'LOWER(',
      '/*',
      "x'",
      'x"',
      "'\\",
      '1+',
      '(1+',
      'a.',
      'a=',
      '0x1',
    ],
    ...['a IN [', '((((a=', 'NOT(', '😀', '[[]', '/**', '1 ', 'TRUE ', '*/', 'a=1 AND ', '?'],
  ].map((unit) => fill(unit))
  const depth = MAX_EXPRESSION_DEPTH - 1
  const valid = [
    fill('a=1 OR ', '', 'b=2'),
    fill('tags.a=1 AND ', '', 'tags.b=2'),
    fill('tags.x<1 OR NOT tags.y IN [1] AND ', '', 'b=2'),
    fill("'x',", 'tags.a IN [', "'x']"),
    fill("'x',", 'deviceId NIN [', "'x']"),
    fill('5,', 'LOWER(tags.a) IN [', '5]'),
    fill('/**/', '', 'a'),
    fill('a.', 'tags.', 'a = 1'),
    fill('[[x]].', '', 'a = 1'),
    fill('x', "tags.a = '", "'"),
    fill('é', "tags.a > '", "'"),
    nested('(', 'a = 1', ')', depth - 1),
    nested('NOT ', 'a = 1', '', depth - 1),
    nested('NOT (tags.a = ', '1', ')', depth / 2 - 1),
    nested('LOWER(', 'tags.a', ')', depth),
    nested('(tags.a AND ', 'TRUE', ')', depth - 1),
    nested('(tags.a OR b AND NOT c IN [1] = ', 'TRUE', ')', Math.floor(depth / 4)),
    nested('', `1${' + tags.a'.repeat(depth)}`, ' = 2', 1),
  ]
  for (const text of refused) {
    assertRefusal(timed(text), text)
  }
  for (const text of valid) {
    assert.ok(text.length <= MAX_QUERY_CHARACTERS)
    assert.equal(timed(text), undefined, text.slice(0, 60))
    await queries.run(text)
  }
})

test('a query that is too long is refused before it is read', () => {
  assertRefusal(timed('x'.repeat(MAX_QUERY_CHARACTERS + 1)), '', /8193 characters/)
})

/** Parses within the time. @returns what it threw */
function timed(text: string): unknown {
  const start = process.cpuUsage()
  try {
    parseQuery(text)
    return undefined
  } catch (error) {
    return error
  } finally {
    const { user, system } = process.cpuUsage(start)
    const tookMs = (user + system) / 1000
    assert.ok(tookMs < MAX_PARSE_MS, `${tookMs} ms for ${text.slice(0, 60)}`)
  }
}

function assertRefusal(error: unknown, text: string, message = /at character (\d+): .+\.$/s): void {
  assert.ok(error instanceof HubError, `${error} for ${JSON.stringify(text.slice(0, 200))}`)
  assert.equal(error.code, 'ArgumentInvalid')
  const at = Number(message.exec(error.message)?.[1] ?? 1)
  assert.match(error.message, message)
  assert.ok(at >= 1 && at <= text.length + 1)
}
