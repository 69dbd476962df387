import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import type { Expression } from './ast.ts'
import { MAX_EXPRESSION_DEPTH } from './parse-expression.ts'
import { parseCondition, parseQuery } from './parse-query.ts'

/** A condition as it was understood, every part in parentheses. */
function understood(text: string): string {
  return show(parseCondition(text))
}

function show(expression: Expression): string {
  switch (expression.kind) {
    case 'literal':
      return expression.value === undefined ? 'undefined' : JSON.stringify(expression.value)
    case 'path':
      return expression.keys.join('.')
    case 'and':
    case 'or':
      return `(${expression.terms.map(show).join(` ${expression.kind} `)})`
    case 'not':
      return `(not ${show(expression.of)})`
    case 'compare':
      return `(${show(expression.left)} ${expression.operator} ${show(expression.right)})`
    case 'in':
    case 'nin':
      return `(${show(expression.of)} ${expression.kind} ${JSON.stringify(expression.values)})`
    case 'call':
      return `${expression.name}(${expression.args.map(show).join(', ')})`
  }
}

test('parseCondition: operators bind as documented, to the left', () => {
  const conditions = {
    'a = 1 or b = 2 AND NOT c = 3': '((a = 1) or ((b = 2) and (not (c = 3))))',
    'NOT a = 1 AND b': '((not (a = 1)) and b)',
    'NOT NOT a': '(not (not a))',
    'a < 1 = TRUE': '((a < 1) = true)',
    'a + 1 * 2 - 3 > -b % 4': '(-(+(a, *(1, 2)), 3) > %(-(0, b), 4))',
    '(a OR b) AND c': '((a or b) and c)',
    'a <> 1 AND b != 2': '((a != 1) and (b != 2))',
    "x IN ['p', -1, true, NULL] AND y nin [0x1F]": '((x in ["p",-1,true,null]) and (y nin [31]))',
    'is_defined(tags.a) AND Lower(tags.b) = UNDEFINED':
      '(IS_DEFINED(tags.a) and (LOWER(tags.b) = undefined))',
    '1.5e3 = - 2': '(1500 = -2)',
  }
  for (const [text, expected] of Object.entries(conditions)) {
    assert.equal(understood(text), expected, text)
  }
})

test('parseCondition: strings with escapes, doubled quotes, and comments anywhere', () => {
  assert.equal(
    understood(`a = 'it''s' /* x */ OR/**/b = "say ""hi"""`),
    `((a = "it's") or (b = "say \\"hi\\""))`,
  )
  assert.equal(
    understood(String.raw`a = '\'\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00'`),
    String.raw`(a = "'\"\\/\b\f\n\r\té😀")`,
  )
})

test('parseCondition: a path may quote its names, and keywords are names after a dot', () => {
  const paths = {
    'configurations.[[my-cfg.1]].status': 'configurations.my-cfg.1.status',
    'tags.in.select.GROUP': 'tags.in.select.GROUP',
    'properties.reported.$metadata.$lastUpdated': 'properties.reported.$metadata.$lastUpdated',
    DEVICEID: 'deviceId',
    'Properties.Reported.DeviceId': 'properties.reported.DeviceId',
    'devices.tags.x': 'tags.x',
    'Devices.Status': 'status',
    'capabilities.IOTEDGE': 'capabilities.iotEdge',
    'tags.größe': 'tags.größe',
  }
  for (const [text, expected] of Object.entries(paths)) assert.equal(understood(text), expected)
  assert.equal(show(parseCondition('devices.modules.moduleid', 'devices.modules')), 'moduleId')
})

test('parseQuery: the worked examples', () => {
  const examples = [
    "SELECT * FROM devices WHERE tags.location.region = 'US'",
    'SELECT COUNT() AS total FROM devices',
    'SELECT properties.reported.telemetryConfig.status AS status, COUNT() AS n FROM devices GROUP BY properties.reported.telemetryConfig.status',
    "SELECT deviceId FROM devices WHERE configurations.[[cfg1]].status = 'Applied'",
    "SELECT * FROM devices.modules WHERE properties.reported.status = 'scanning' AND deviceId IN ['d1','d2']",
    "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j1' AND devices.jobs.status = 'completed'",
    "SELECT deviceId, lastActivityTime FROM devices WHERE status = 'enabled' AND connectionState = 'Disconnected'",
    'SELECT * FROM devices WHERE is_defined(properties.reported.connectivity)',
  ]
  for (const example of examples) assert.equal(typeof parseQuery(example).source, 'string')
  const query = parseQuery(
    'select top 5 DEVICEID, MAX(tags.n) as [[the max]]\nfrom Devices.Modules group by deviceid',
  )
  assert.deepEqual(query, {
    source: 'devices.modules',
    top: 5,
    select: [
      { name: 'deviceId', value: { kind: 'path', keys: ['deviceId'] } },
      {
        name: 'the max',
        value: { kind: 'aggregate', name: 'MAX', of: { kind: 'path', keys: ['tags', 'n'] } },
      },
    ],
    groupBy: { kind: 'path', keys: ['deviceId'] },
  })
})

test('parseQuery: an error names the character and what was expected there', () => {
  const errors: readonly (readonly [text: string, character: number, problem: RegExp])[] = [
    ['', 1, /expected SELECT, found the end/],
    ['SELECT', 7, /expected \*, a property or an aggregate/],
    ['SELECT *', 9, /expected FROM/],
    ['SELECT * FROM things', 15, /expected devices, devices.modules or devices.jobs/],
    ['SELECT * FROM devices.things', 23, /expected modules or jobs/],
    ['SELECT * FROM devices ORDER BY x', 23, /expected WHERE, GROUP BY or the end, found "ORDER"/],
    ['SELECT DISTINCT x FROM devices', 17, /expected FROM/],
    ['SELECT TOP 0 * FROM devices', 12, /expected how many/],
    ['SELECT * FROM devices WHERE', 28, /expected a value/],
    ['SELECT * FROM devices WHERE a =', 32, /expected a value/],
    ["SELECT * FROM devices WHERE a IN ('x')", 34, /expected \[/],
    ['SELECT * FROM devices WHERE a IN []', 35, /expected a string/],
    ['SELECT * FROM devices WHERE a IN [b]', 35, /expected a string/],
    ["SELECT * FROM devices WHERE a = 'x", 33, /no end/],
    [String.raw`SELECT * FROM devices WHERE a = '\x'`, 34, /expected one of/],
    [String.raw`SELECT * FROM devices WHERE a = '\ud800'`, 33, /half a surrogate pair/],
    ['SELECT * FROM devices WHERE a = 1x', 34, /number/],
    ['SELECT * FROM devices WHERE tags.1 = 1', 34, /expected the name of a property/],
    ['SELECT * FROM devices WHERE (a = 1', 35, /expected \)/],
    ['SELECT * FROM devices WHERE a = 1 b', 35, /expected AND, OR, GROUP BY or the end/],
    ['SELECT * FROM devices WHERE a || b', 31, /found "\|\|"/],
    ['SELECT * FROM devices /* x', 23, /comment has no end/],
    ['SELECT * FROM devices WHERE foo(1)', 29, /there is no function foo/],
    ['SELECT * FROM devices WHERE lower(1, 2)', 29, /LOWER takes 1/],
    ['SELECT * FROM devices WHERE COUNT() = 1', 29, /there is no function COUNT/],
    ['SELECT deviceId, COUNT() FROM devices', 8, /neither grouped by nor an aggregate/],
    ['SELECT tags.a, COUNT() AS n FROM devices GROUP BY tags.b', 8, /neither grouped by/],
    ['SELECT * FROM devices GROUP BY tags.b', 8, /name what to select/],
    ['SELECT tags.x, properties.desired.x FROM devices', 16, /called "x"; use AS/],
    ['SELECT * FROM devices WHERE devices.modules.x = 1', 29, /reads devices, not devices.modules/],
    ['SELECT deviceId FROM devices.jobs', 8, /only \*/],
    ['SELECT COUNT() FROM devices.jobs', 8, /only \*/],
    ['SELECT * FROM devices.jobs GROUP BY jobId', 28, /cannot be grouped/],
    ['SELECT * FROM devices.jobs WHERE tags.x = 1', 34, /devices.jobs has no tags/],
  ]
  for (const [text, character, problem] of errors) {
    assert.throws(
      () => parseQuery(text),
      (error) => {
        assert.ok(error instanceof HubError)
        assert.equal(error.code, 'ArgumentInvalid')
        assert.match(
          error.message,
          new RegExp(`^The query is wrong at character ${character}: `),
          text,
        )
        assert.match(error.message, problem)
        return true
      },
    )
  }
})

test('parseCondition: nesting has a limit, chains of AND and OR have none', () => {
  const nested = (depth: number) => `${'('.repeat(depth)}a${')'.repeat(depth)}`
  parseCondition(nested(MAX_EXPRESSION_DEPTH))
  assert.throws(() => parseCondition(nested(MAX_EXPRESSION_DEPTH + 1)), /nests deeper/)
  const sum = (terms: number) => Array(terms).fill('a').join('+')
  parseCondition(sum(MAX_EXPRESSION_DEPTH))
  assert.throws(() => parseCondition(sum(MAX_EXPRESSION_DEPTH + 2)), /nests deeper/)
  parseCondition(Array(1000).fill('a').join(' OR '))
})
