import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  HubError,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  MAX_PROPERTIES_BYTES,
  type MetadataNode,
  type TwinPatch,
  type TwinSection,
} from '@twinward/protocol'
import fc from 'fast-check'
import { sizeOf } from './limits.ts'
import { emptySection, patchSection, patchTags, replacementPatch, replaceSection } from './patch.ts'

const NOW_MS = 1_767_225_600_000
const LATER_MS = NOW_MS + 1000

interface PatchVector {
  name: string
  before: JsonObject
  patch: JsonObject
  after: JsonObject
  sizeBytes: number
}

interface LimitVector {
  name: string
  patch?: JsonObject
  /** What the patch makes of nothing, when not itself. */
  after?: JsonObject
  json?: string
  repeat?: { key: string; character: string; count: number }
  repeatKey?: { character: string; count: number }
  says: string
}

const { patches, replacements } = vectors<{
  patches: PatchVector[]
  replacements: { before: JsonObject; after: JsonObject; told: JsonObject }[]
}>('twin-patches.json')
const limits = vectors<{ accepted: LimitVector[]; refused: LimitVector[] }>('twin-limits.json')

for (const { name, before, patch, after, sizeBytes } of patches) {
  test(`patchSection: ${name}`, () => {
    const section = sectionOf(before)
    const next = patchSection(section, patch, LATER_MS, MAX_PROPERTIES_BYTES)
    assert.deepEqual(next.values, after)
    assert.equal(next.sizeBytes, sizeBytes)
    assert.equal(next.version, section.version + 1)
    assert.deepEqual(patchTags(before, patch, MAX_PROPERTIES_BYTES), after)
  })
}

for (const { before, after, told } of replacements) {
  test(`replacementPatch: ${JSON.stringify(before)} → ${JSON.stringify(after)}`, () => {
    assert.deepEqual(replacementPatch(before, after), told)
  })
}

for (const vector of limits.accepted) {
  test(`a twin may hold ${vector.name}`, () => {
    const patch = patchOf(vector)
    const next = patchSection(sectionOf({}), patch, NOW_MS, MAX_PROPERTIES_BYTES)
    assert.deepEqual(next.values, vector.after ?? patch)
    assert.deepEqual(patchTags({}, patch, MAX_PROPERTIES_BYTES), next.values)
    assert.deepEqual(sectionOf(patch).values, next.values)
  })
}

for (const vector of limits.refused) {
  test(`a twin may not hold ${vector.name}`, () => {
    const patch = patchOf(vector)
    assert.throws(
      () => patchSection(sectionOf({}), patch, NOW_MS, MAX_PROPERTIES_BYTES),
      (error) =>
        error instanceof HubError &&
        error.code === 'ArgumentInvalid' &&
        error.message.includes(vector.says),
    )
  })
}

test('patchSection: a section may take its limit to the byte, and no more', () => {
  const values = { a: 'x'.repeat(4095), b: 'x'.repeat(4095) }
  assert.equal(patchSection(sectionOf({}), values, NOW_MS, 8192).sizeBytes, 8192)
  assert.throws(
    () => patchSection(sectionOf(values), { c: '' }, NOW_MS, 8192),
    /^HubError: Properties take 8193 of 8192 bytes/,
  )
  // What a patch removes makes room for what it adds.
  assert.equal(patchSection(sectionOf(values), { a: null, c: '' }, NOW_MS, 4097).sizeBytes, 4097)
  assert.deepEqual(patchTags({}, values, 8192), values)
  assert.throws(() => patchTags(values, { c: '' }, 8192), /Tags take 8193 of 8192 bytes/)
  const controls = { a: '\n'.repeat(4096), b: '\u0085'.repeat(2048) }
  assert.equal(patchSection(sectionOf({}), controls, NOW_MS, 2).sizeBytes, 2)
})

test('a key named __proto__ is an ordinary key', () => {
  const patch = JSON.parse('{"__proto__":{"admin":true}}') as TwinPatch
  const once = patchSection(sectionOf({}), patch, NOW_MS, MAX_PROPERTIES_BYTES)
  const twice = patchSection(
    once,
    JSON.parse('{"__proto__":{"b":1}}'),
    NOW_MS,
    MAX_PROPERTIES_BYTES,
  )
  assert.equal(Object.getPrototypeOf(twice.values), Object.prototype)
  assert.equal(JSON.stringify(twice.values), '{"__proto__":{"admin":true,"b":1}}')
  assert.equal(twice.sizeBytes, sizeOf(twice.values))
})

test('metadata: the written leaf and its ancestors are stamped, the neighbours are not', () => {
  const section = sectionOf({ fan: { on: true, rpm: 900 }, led: 'red' })
  const { metadata } = patchSection(section, { fan: { rpm: 1 } }, LATER_MS, MAX_PROPERTIES_BYTES)
  const old = { v: section.version, t: NOW_MS }
  const now = { v: section.version + 1, t: LATER_MS }
  assert.deepEqual(metadata, {
    ...now,
    of: { fan: { ...now, of: { on: old, rpm: now } }, led: old },
  })
})

test('metadata: a removed key takes its node along and stamps its ancestors', () => {
  const section = sectionOf({ fan: { on: true, rpm: 900 } })
  const { metadata } = patchSection(section, { fan: { rpm: null } }, LATER_MS, MAX_PROPERTIES_BYTES)
  const now = { v: section.version + 1, t: LATER_MS }
  const on = { v: section.version, t: NOW_MS }
  assert.deepEqual(metadata, { ...now, of: { fan: { ...now, of: { on } } } })
})

test('metadata: an array is one node', () => {
  const { metadata } = patchSection(sectionOf({}), { a: [{ b: 1 }] }, NOW_MS, MAX_PROPERTIES_BYTES)
  assert.equal(metadata.of?.a?.of, undefined)
})

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'c', '__proto__', 'ä'),
  fc.stringMatching(/^[a-z]{1,3}$/),
)
const scalar = fc.oneof(
  fc.string({ maxLength: 5 }).filter((text) => !text.includes('\0')),
  fc.integer(),
  fc.boolean(),
)
const { patch: anyPatch, values: anyValues } = fc.letrec<{ patch: JsonObject; values: JsonObject }>(
  (tie) => {
    const array = fc.array(scalar, { maxLength: 3 })
    const object = (name: 'patch' | 'values', ...others: fc.Arbitrary<JsonValue>[]) =>
      fc.dictionary(key, fc.oneof({ maxDepth: 3 }, scalar, array, ...others, tie(name)), {
        maxKeys: 5,
        noNullPrototype: true,
      })
    return { patch: object('patch', fc.constant(null)), values: object('values') }
  },
)

test('patchSection: holds the naive model, its own size, and a node per key', () => {
  fc.assert(
    fc.property(anyValues, fc.array(anyPatch, { maxLength: 4 }), (values, patches) => {
      let section = sectionOf(values)
      let model = values
      for (const patch of patches) {
        const before = JSON.stringify(section)
        const next = patchSection(section, patch, LATER_MS, MAX_PROPERTIES_BYTES)
        assert.equal(JSON.stringify(section), before, 'the old section did not change')
        section = next
        model = naiveMerge(model, patch)
      }
      assert.deepEqual(section.values, model)
      assert.equal(section.sizeBytes, sizeOf(model))
      assert.deepEqual(shapeOf(section.metadata), shapeOfValues(model))
    }),
  )
})

test('patchSection: a patch applied twice leaves the same values', () => {
  fc.assert(
    fc.property(anyValues, anyPatch, (values, patch) => {
      const once = patchSection(sectionOf(values), patch, NOW_MS, MAX_PROPERTIES_BYTES)
      const twice = patchSection(once, patch, NOW_MS, MAX_PROPERTIES_BYTES)
      assert.deepEqual(twice.values, once.values)
    }),
  )
})

test('replacementPatch: a device that merges it holds what the service put', () => {
  fc.assert(
    fc.property(anyValues, anyValues, (before, after) => {
      assert.deepEqual(naiveMerge(before, replacementPatch(before, after)), after)
    }),
  )
})

function vectors<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../../../../vectors/${file}`, import.meta.url), 'utf8'))
}

function sectionOf(values: JsonObject): TwinSection {
  return replaceSection(emptySection(NOW_MS), values, NOW_MS, MAX_PROPERTIES_BYTES)
}

function patchOf({ patch, json, repeat, repeatKey }: LimitVector): JsonObject {
  if (json !== undefined) return JSON.parse(json)
  if (repeat) return { [repeat.key]: repeat.character.repeat(repeat.count) }
  if (repeatKey) return { [repeatKey.character.repeat(repeatKey.count)]: 1 }
  return patch ?? {}
}

/** The rule in the plainest words: what `patchSection` must agree with. */
function naiveMerge(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map<string, JsonValue>(Object.entries(target))
  for (const [name, value] of Object.entries(patch)) {
    const old = merged.get(name)
    if (value === null) merged.delete(name)
    else if (isJsonObject(value)) merged.set(name, naiveMerge(isJsonObject(old) ? old : {}, value))
    else merged.set(name, value)
  }
  return Object.fromEntries(merged)
}

function shapeOf(node: MetadataNode): unknown {
  if (!node.of) return 1
  return new Map(Object.entries(node.of).map(([name, member]) => [name, shapeOf(member)]))
}

function shapeOfValues(value: JsonValue): unknown {
  if (!isJsonObject(value)) return 1
  return new Map(Object.entries(value).map(([name, member]) => [name, shapeOfValues(member)]))
}
