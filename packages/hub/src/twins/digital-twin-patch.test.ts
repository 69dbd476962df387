import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'
import fc from 'fast-check'
import { MAX_PATCH_OPERATIONS, toTwinPatch } from './digital-twin-patch.ts'

const EMPTY = { desired: {}, reported: {} }

function fails(code: string, words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof HubError)
    assert.equal(error.code, code)
    assert.match(error.message, words)
    return true
  }
}

test('toTwinPatch: a property of the root is set, and removed with null', () => {
  const target = { desired: { led: 'red' }, reported: {} }
  const patch = [
    { op: 'add', path: '/rpm', value: 900 },
    { op: 'remove', path: '/led' },
  ]
  assert.deepEqual(toTwinPatch(patch, target), { rpm: 900, led: null })
})

test('toTwinPatch: what the first name does not lead to yet becomes a component', () => {
  const patch = [{ op: 'add', path: '/pump/rpm', value: 900 }]
  assert.deepEqual(toTwinPatch(patch, EMPTY), { pump: { __t: 'c', rpm: 900 } })
})

test('toTwinPatch: an object that the device reports as a plain one stays one', () => {
  const patch = [{ op: 'add', path: '/pump/rpm', value: 900 }]
  const target = { desired: {}, reported: { pump: { rpm: 1 } } }
  assert.deepEqual(toTwinPatch(patch, target), { pump: { rpm: 900 } })
})

test('toTwinPatch: an object with $metadata is a component, without it a property', () => {
  const patch = [
    { op: 'add', path: '/pump', value: { rpm: 900, $metadata: {} } },
    { op: 'add', path: '/place', value: { lat: 1 } },
  ]
  assert.deepEqual(toTwinPatch(patch, EMPTY), {
    pump: { rpm: 900, __t: 'c' },
    place: { lat: 1 },
  })
})

test('toTwinPatch: replacing a component removes what the new one does not have', () => {
  const target = { desired: { pump: { __t: 'c', rpm: 900, mode: 'eco' } }, reported: {} }
  const patch = [{ op: 'replace', path: '/pump', value: { rpm: 1 } }]
  assert.deepEqual(toTwinPatch(patch, target), { pump: { mode: null, rpm: 1, __t: 'c' } })
})

test('toTwinPatch: what is only reported can be replaced but not removed', () => {
  const target = { desired: {}, reported: { pump: { __t: 'c', rpm: 1 } } }
  const replace = [{ op: 'replace', path: '/pump/rpm', value: 2 }]
  assert.deepEqual(toTwinPatch(replace, target), { pump: { __t: 'c', rpm: 2 } })
  const remove = [{ op: 'remove', path: '/pump/rpm' }]
  assert.throws(() => toTwinPatch(remove, target), fails('InvalidDigitalTwinPatchPath', /pump/))
})

test('toTwinPatch: names are RFC 6901, and none of them is special to JavaScript', () => {
  const patch = [
    { op: 'add', path: '/a~1b~0c', value: 1 },
    { op: 'add', path: '/__proto__', value: 2 },
    { op: 'add', path: '/constructor', value: 3 },
  ]
  assert.deepEqual(Object.entries(toTwinPatch(patch, EMPTY)), [
    ['a/b~c', 1],
    ['__proto__', 2],
    ['constructor', 3],
  ])
})

const REFUSED: readonly (readonly [string, unknown, string, RegExp])[] = [
  ['an object', { op: 'add' }, 'JsonPatch', /array/],
  ['nothing', undefined, 'JsonPatch', /array/],
  ['a number for an operation', [1], 'JsonPatch', /Operation 0/],
  ['op move', [{ op: 'move', from: '/a', path: '/b' }], 'JsonPatch', /add, replace, remove/],
  ['no path', [{ op: 'add', value: 1 }], 'JsonPatch', /no path/],
  ['no value', [{ op: 'add', path: '/a' }], 'JsonPatch', /no value/],
  ['the whole document', [{ op: 'add', path: '', value: {} }], 'PatchPath', /slash/],
  ['a path without its slash', [{ op: 'add', path: 'a', value: 1 }], 'PatchPath', /slash/],
  ['an empty name', [{ op: 'add', path: '/a/', value: 1 }], 'PatchPath', /empty/],
  ['$metadata', [{ op: 'add', path: '/$metadata/a', value: 1 }], 'PatchPath', /\$metadata/],
  ['the mark', [{ op: 'remove', path: '/pump/__t' }], 'PatchPath', /__t/],
  ['a missing property', [{ op: 'replace', path: '/a', value: 1 }], 'PatchPath', /'a'/],
  ['a missing parent', [{ op: 'add', path: '/a/b/c', value: 1 }], 'PatchPath', /'b'/],
  ['null', [{ op: 'add', path: '/a', value: null }], 'Payload', /remove/],
  ['null inside', [{ op: 'add', path: '/a', value: { b: null } }], 'Payload', /remove/],
]
for (const [what, document, code, words] of REFUSED) {
  test(`toTwinPatch: ${what} is refused in words that say what and where`, () => {
    assert.throws(() => toTwinPatch(document, EMPTY), fails(`InvalidDigitalTwin${code}`, words))
  })
}

test('toTwinPatch: an array is no object, and the number of operations is limited', () => {
  const target = { desired: { list: [1] }, reported: {} }
  const element = [{ op: 'replace', path: '/list/0', value: 2 }]
  assert.throws(() => toTwinPatch(element, target), fails('InvalidDigitalTwinPatchPath', /list/))
  const many = Array(MAX_PATCH_OPERATIONS + 1).fill({ op: 'add', path: '/a', value: 1 })
  assert.throws(() => toTwinPatch(many, EMPTY), fails('InvalidDigitalTwinJsonPatch', /1000/))
})

type Plain = { [key: string]: JsonValue }

const name = fc.constantFrom('a', 'b', 'c')
const leaf = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constant('x'), fc.constant([1, 2]))
const tree: fc.Arbitrary<JsonValue> = fc.letrec<{ node: JsonValue; object: JsonValue }>((tie) => ({
  node: fc.oneof({ maxDepth: 3 }, leaf, tie('object')),
  object: fc.dictionary(name, tie('node'), { maxKeys: 3, noNullPrototype: true }),
})).node
const desiredTwin = fc.dictionary(name, tree, { maxKeys: 3, noNullPrototype: true })
const operation = fc.record({
  op: fc.constantFrom('add', 'replace', 'remove'),
  path: fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join('/')}`),
  value: tree,
})

test('toTwinPatch: merging the patch gives what JSON Patch, step by step, gives', () => {
  fc.assert(
    fc.property(desiredTwin, fc.array(operation, { maxLength: 6 }), (desired, operations) => {
      const expected = applyNaively(desired as JsonObject, operations)
      const target = { desired: desired as JsonObject, reported: {} }
      if (expected === undefined) {
        assert.throws(() => toTwinPatch(operations, target), HubError)
      } else assert.deepEqual(merged(target.desired, toTwinPatch(operations, target)), expected)
    }),
    { numRuns: 2000 },
  )
})

/** JSON Patch on a copy; `undefined` when an operation cannot be done. */
function applyNaively(
  desired: JsonObject,
  operations: readonly { op: string; path: string; value: JsonValue }[],
): JsonValue | undefined {
  const document = structuredClone(desired) as Plain
  for (const { op, path, value } of structuredClone(operations)) {
    const names = path.slice(1).split('/')
    const last = names.pop() as string
    if (op !== 'remove' && names[0] !== undefined) document[names[0]] ??= { __t: 'c' }
    let at: JsonValue | undefined = document
    for (const step of names) at = isJsonObject(at) ? at[step] : undefined
    if (!isJsonObject(at)) return undefined
    const parent = at as Plain
    if (op !== 'add' && !(last in parent)) return undefined
    const old = parent[last]
    delete parent[last]
    if (op === 'remove') continue
    const stays = names.length === 0 && isJsonObject(old) && old.__t === 'c'
    parent[last] = isJsonObject(value) && stays ? { ...value, __t: 'c' } : value
  }
  return document
}

/** RFC 7396. */
function merged(target: JsonValue | undefined, patch: JsonObject): JsonValue {
  const next: Plain = isJsonObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete next[key]
    else next[key] = isJsonObject(value) ? merged(next[key], value) : value
  }
  return next
}
