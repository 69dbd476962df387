import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import {
  completePatch,
  dangerousValues,
  privilegedChanges,
} from '../../src/agent-configuration/dangerous.ts'
import { configurationKey, ERAS, type Era } from '../../src/agent-configuration/eras.ts'
import { judgeSettings } from '../../src/agent-configuration/judge.ts'
import { readConfiguration, readMicroResult } from '../../src/agent-configuration/read.ts'
import { settingsOf } from '../../src/agent-configuration/tables.ts'
import { shapeConfiguration } from '../../src/agent-configuration/write.ts'
import type { JsonObject, JsonValue } from '../../src/json.ts'

const ODD_NAMES = ['__proto__', 'constructor', 'toString', 'value', '', '$metadata', 'a.b']
const ODD_VALUES: readonly JsonValue[] = [
  Number.MAX_SAFE_INTEGER,
  -0,
  1e308,
  5e-324,
  2 ** 31,
  'P'.repeat(10_000),
  'PT99999999999999999999S',
  ','.repeat(10_000),
  '9'.repeat(400),
  '\u0000\ud7ff',
  nested(2_000),
]

function nested(depth: number): JsonValue {
  let value: JsonValue = 1
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { value }
  return value
}

function hostileValue(): fc.Arbitrary<JsonValue> {
  const value = fc.oneof(fc.constantFrom(...ODD_VALUES), fc.jsonValue() as fc.Arbitrary<JsonValue>)
  return fc.oneof(
    value,
    value.map((inner): JsonValue => ({ value: inner })),
  )
}

function hostileSection(era: Era): fc.Arbitrary<JsonObject> {
  const names = [...settingsOf(era).keys(), ...ODD_NAMES, 'latest_state', 'latest_invalid_fields']
  const members = fc
    .array(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string()), hostileValue()))
    .map((entries): JsonObject => Object.fromEntries(entries))
  const key = configurationKey(era)
  if (key === undefined) return members
  return fc.oneof(
    members.map((object) => ({ [key]: object })),
    hostileValue().map((value) => ({ [key]: value })),
  )
}

const arbitraryCase = fc
  .constantFrom(...ERAS)
  .chain((era) => fc.tuple(fc.constant(era), hostileSection(era)))

test('no section of a twin makes reading throw, or hands out what no setting may be', () => {
  const property = fc.property(arbitraryCase, ([era, section]) => {
    const reading = readConfiguration(section, era)
    assert.equal(Object.getPrototypeOf(reading.settings), Object.prototype)
    for (const [name, value] of Object.entries(reading.settings)) {
      assert.ok(settingsOf(era).has(name), name)
      assert.ok(['string', 'number', 'boolean'].includes(typeof value))
    }
    for (const name of reading.misshapen) assert.ok(settingsOf(era).has(name))
    const { invalidFields } = readMicroResult(section)
    assert.ok(invalidFields.every((name) => typeof name === 'string'))
  })
  fc.assert(property, fuzzRuns(400))
})

test('whatever is judged good reads back as it was judged', () => {
  const property = fc.property(arbitraryCase, ([era, section]) => {
    const key = configurationKey(era)
    const object = key === undefined ? section : section[key]
    if (typeof object !== 'object' || object === null || Array.isArray(object)) return
    const { settings, mistakes } = judgeSettings(object as JsonObject, era)
    const known = Object.entries(settings).filter(([name]) => settingsOf(era).has(name))
    const again = readConfiguration(shapeConfiguration(settings, era), era)
    assert.deepEqual(again.settings, Object.fromEntries(known))
    assert.ok(mistakes.every(({ name, reason }) => name.length <= 256 && reason !== ''))
  })
  fc.assert(property, fuzzRuns(400))
})

test('a hostile patch is looked through without harm', () => {
  const property = fc.property(arbitraryCase, arbitraryCase, ([, before], [, after]) => {
    dangerousValues(after)
    assert.deepEqual(privilegedChanges(after, after), [])
    privilegedChanges(before, after)
    completePatch(before, after)
  })
  fc.assert(property, fuzzRuns(200))
})
