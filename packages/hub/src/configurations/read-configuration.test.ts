import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type JsonObject } from '@twinward/protocol'
import { MAX_LABELS, MAX_METRIC_QUERIES, readConfiguration } from './read-configuration.ts'

const CONTENT = { deviceContent: { 'properties.desired.a': 1 } }
const MODULES = { moduleContent: { 'properties.desired.a': 1 } }

function refusal(body: unknown, id = 'c'): string {
  try {
    readConfiguration(id, body)
    return ''
  } catch (error) {
    if (error instanceof HubError) return `${error.code}: ${error.message}`
    throw error
  }
}

test('read: what is absent or null has its default, what the hub sets is let pass', () => {
  const plain = readConfiguration('c', { content: CONTENT })
  assert.deepEqual(plain, {
    schemaVersion: null,
    labels: null,
    content: CONTENT,
    targetCondition: '',
    priority: 0,
    metricQueries: {},
  })
  const sentBack: JsonObject = {
    ...{ id: 'c', schemaVersion: null, labels: null, targetCondition: null, priority: null },
    content: { ...CONTENT, moduleContent: null },
    metrics: { results: { x: 1 }, queries: null },
    ...{ systemMetrics: {}, etag: 'MQ==', createdTimeUtc: 'x', contentType: 'assignment' },
  }
  assert.deepEqual(readConfiguration('c', sentBack), plain)
})

test('read: ids have 1 to 128 lower-case letters, digits and -+%_*!’', () => {
  for (const id of ['a', "a-b+c%d_e*f!g'0", '__proto__', 'x'.repeat(128)]) {
    assert.equal(refusal({ content: CONTENT }, id), '', id)
  }
  for (const id of ['', 'A', 'a b', 'a&b', 'a/b', 'ä', 'a[', 'a.b', 'x'.repeat(129)]) {
    assert.match(refusal({ content: CONTENT }, id), /^ArgumentInvalid: The id/, id)
  }
  assert.match(refusal({ id: 'b', content: CONTENT }), /^ArgumentInvalid: The id of the body/)
})

test('read: content is exactly one of three, below properties.desired, and what a twin may hold', () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /needs an object/],
    [{}, /exactly one/],
    [{ ...CONTENT, ...MODULES }, /exactly one/],
    [{ other: {} }, /no member 'other'/],
    [{ deviceContent: [] }, /must be an object/],
    [{ deviceContent: { 'properties.reported.a': 1 } }, /not below properties.desired/],
    [{ deviceContent: { 'properties.desired.': 1 } }, /not below properties.desired/],
    [{ deviceContent: { 'properties.desired': 1 } }, /must be an object/],
    [{ deviceContent: { 'properties.desired.a b': 1 } }, /may not contain/],
    [{ deviceContent: { 'properties.desired.a': { 'x.y': 1 } } }, /may not contain/],
    [{ deviceContent: { 'properties.desired': { $version: 1 } } }, /\$version/],
    [{ deviceContent: { 'properties.desired.a': [null] } }, /null/],
    [{ deviceContent: { 'properties.desired.a': 'x'.repeat(5000) } }, /4096/],
    [{ deviceContent: { 'properties.desired.1.2.3.4.5.6.7.8.9.10.11.12': 1 } }, /deeper/],
    [{ modulesContent: { app: {} } }, /\$edgeAgent/],
    [{ modulesContent: { $edgeAgent: {}, 'a/b': {} } }, /the id is not valid/],
    [{ modulesContent: { $edgeAgent: { x: 1 } } }, /not below/],
  ]
  for (const [content, words] of wrong) {
    const said = refusal({ content, targetCondition: '' })
    assert.match(said, /^InvalidConfigurationContent: /, JSON.stringify(content))
    assert.match(said, words)
  }
})

test('read: target conditions read ids, tags and reported properties; modules have a form of their own', () => {
  const device = ['', '*', "deviceId = 'a'", "tags.a.b = 1 AND NOT properties.reported.x != 'y'"]
  for (const targetCondition of device)
    assert.equal(refusal({ content: CONTENT, targetCondition }), '')
  const module = "from devices.modules where moduleId = 'm' OR is_defined(tags.a)"
  assert.equal(refusal({ content: MODULES, targetCondition: module }), '')
  const wrong: readonly (readonly [object, string, RegExp])[] = [
    [CONTENT, 'tags.a =', /expected/i],
    [CONTENT, "status = 'enabled'", /not status/],
    [CONTENT, 'properties.desired.x = 1', /not properties.desired.x/],
    [CONTENT, "moduleId = 'm'", /not moduleId/],
    [CONTENT, 'properties.reported.$version > 1', /\$version/],
    [CONTENT, module, /for devices/],
    [MODULES, '*', /FROM devices.modules/],
    [MODULES, 'tags.a = 1', /FROM devices.modules/],
  ]
  for (const [content, targetCondition, words] of wrong) {
    const said = refusal({ content, targetCondition })
    assert.match(said, /^InvalidConfigurationTargetCondition: /, targetCondition)
    assert.match(said, words)
  }
})

test('read: labels, priority and metrics have their limits', () => {
  const many = (count: number, value: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`n${n}`, value]))
  const query = 'SELECT deviceId FROM devices'
  const good = [
    { labels: many(MAX_LABELS, 'x') },
    { priority: 2 ** 31 - 1 },
    { metrics: { queries: many(MAX_METRIC_QUERIES, query) } },
  ]
  for (const each of good) assert.equal(refusal({ content: CONTENT, ...each }), '')
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ labels: many(MAX_LABELS + 1, 'x') }, /^ArgumentInvalid: .*labels/],
    [{ labels: { a: 1 } }, /^ArgumentInvalid: .*string/],
    [{ labels: { a: 'x'.repeat(129) } }, /^ArgumentInvalid: .*128/],
    [{ priority: 1.5 }, /^ArgumentInvalid: priority/],
    [{ priority: -1 }, /^ArgumentInvalid: priority/],
    [{ priority: '1' }, /^ArgumentInvalid: priority/],
    [
      { metrics: { queries: many(MAX_METRIC_QUERIES + 1, query) } },
      /^InvalidConfigurationCustomMetricsQuery: .*5/,
    ],
    [
      { metrics: { queries: { n: "tags.a = 'x'" } } },
      /^InvalidConfigurationCustomMetricsQuery: n: /,
    ],
  ]
  for (const [each, words] of wrong) assert.match(refusal({ content: CONTENT, ...each }), words)
})

test('content: neither depth nor number of properties costs more than a moment', () => {
  const nested = (levels: number): JsonObject => (levels === 0 ? {} : { a: nested(levels - 1) })
  const deep = { 'properties.desired': nested(1000) }
  assert.match(
    refusal({ content: { deviceContent: deep } }),
    /^InvalidConfigurationContent: .*deep/,
  )
  const far = { [`properties.desired${'.a'.repeat(50_000)}`]: 1 }
  assert.match(refusal({ content: { deviceContent: far } }), /^InvalidConfigurationContent: .*deep/)
  const absent = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, null]))
  const content = (count: number) => ({
    content: { deviceContent: { 'properties.desired': absent(count) } },
  })
  assert.match(refusal(content(50_000)), /^InvalidConfigurationContent: .*longer than 131072/)
  const beganMs = performance.now()
  assert.equal(refusal(content(10_000)), '')
  assert.ok(performance.now() - beganMs < 1000)
})
