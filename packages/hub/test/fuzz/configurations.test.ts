import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type JsonObject, type JsonValue } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { ConfigurationSet, compile } from '../../src/configurations/compiled.ts'
import { isHeld } from '../../src/configurations/leaves.ts'
import { planFor } from '../../src/configurations/plan.ts'
import { readConfiguration } from '../../src/configurations/read-configuration.ts'
import { patchSection } from '../../src/twins/patch.ts'
import { entry } from '../contracts/registry-entries.ts'
import { query } from '../query-arbitraries.ts'

const KEYS = [
  'a',
  'b',
  '__proto__',
  'constructor',
  '10',
  'é😀',
  '$version',
  'x.y',
  '',
  ' ',
] as const
const LIMIT_BYTES = 32_768

const { value: json } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<JsonValue>('x', 0, -0, 1.5, true, null, {}, []),
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.constantFrom(...KEYS), tie('value')), { maxLength: 4 })
      .map((members) => Object.fromEntries(members) as JsonObject),
  ),
}))
const path = fc
  .array(fc.constantFrom('a', 'a', 'b', '__proto__', '', '$x'), { maxLength: 3 })
  .map((keys) => ['properties', 'desired', ...keys].join('.'))
const paths = fc
  .array(fc.tuple(fc.oneof(path, fc.constantFrom('', 'tags.a')), json), { maxLength: 4 })
  .map((members) => Object.fromEntries(members) as JsonObject)
const content = fc.oneof(
  paths.map((deviceContent) => ({ deviceContent })),
  paths.map((moduleContent) => ({ moduleContent })),
  paths.map((app) => ({ modulesContent: { $edgeAgent: app, app } })),
  json,
)
const body = fc.record(
  {
    content,
    targetCondition: fc.oneof(
      query.map((text) => text.split(/ WHERE /i)[1] ?? ''),
      fc.constantFrom('', '*', "FROM devices.modules WHERE tags.a = 'x'"),
    ),
    priority: fc.oneof(fc.nat(), json),
    labels: json,
    metrics: fc.oneof(json, fc.constant({ queries: { n: 'SELECT * FROM devices' } })),
  },
  { requiredKeys: ['content'] },
)

test('fuzz: a configuration is refused in words, or a twin can hold what it says', () => {
  let read = 0
  fc.assert(
    fc.property(body, (document) => {
      const written = readOrRefuse(document)
      if (!written) return
      read++
      const again = readConfiguration('c', JSON.parse(JSON.stringify({ ...written })))
      assert.deepEqual(again.content, written.content)
      const base = { id: 'c', createdMs: 1, updatedMs: 1, revision: 1, sequence: 1, author: null }
      const compiled = compile({ ...base, ...written })
      const device = entry({ deviceId: 'd' }, { values: {} })
      const set = new ConfigurationSet([compiled])
      const plan = planFor({ entry: device }, set)
      if (plan.patch === undefined) return
      const { values } = patchSection(device.twin.desired, plan.patch, 1, LIMIT_BYTES)
      for (const leaf of compiled.leaves) assert.ok(isHeld(leaf, values), leaf.path)
    }),
    fuzzRuns(3000),
  )
  assert.ok(read > 0)
})

test('fuzz: anything at all is a configuration or refused in words', () => {
  fc.assert(
    fc.property(json, fc.string(), (document, id) => {
      readOrRefuse(document, id)
    }),
    fuzzRuns(1000),
  )
})

function readOrRefuse(document: unknown, id = 'c') {
  try {
    return readConfiguration(id, document)
  } catch (error) {
    if (error instanceof HubError) return undefined
    throw error
  }
}
