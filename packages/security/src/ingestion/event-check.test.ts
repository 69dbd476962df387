import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Check } from 'typebox/value'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { conforms } from './event-check.ts'
import { readEventSchema } from './event-schema.ts'

const NAMES = ['a', 'b', 'c', '__proto__', 'toString']
const bound = fc.integer({ min: -2, max: 3 })
const scalars = fc.oneof(fc.integer({ min: -3, max: 4 }), fc.double(), fc.string({ maxLength: 3 }))
const values = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalars,
    fc.constantFrom(null, true, false, '', '𝒳'),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie('any'), { maxKeys: 3 }),
  ),
}))
const schemas = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.record({ type: fc.constantFrom('boolean', 'null') }),
    fc.record(
      { type: fc.constant('string'), minLength: fc.nat(2), maxLength: fc.nat(3) },
      { requiredKeys: ['type'] },
    ),
    fc.record(
      {
        type: fc.constantFrom('integer', 'number'),
        minimum: bound,
        maximum: bound,
        exclusiveMinimum: bound,
        exclusiveMaximum: bound,
      },
      { requiredKeys: ['type'] },
    ),
    fc.record({ type: fc.constant('string'), enum: fc.constant(['', 'a', '𝒳']) }),
    fc.record(
      { type: fc.constant('array'), items: tie('any'), minItems: fc.nat(2), maxItems: fc.nat(3) },
      { requiredKeys: ['type'] },
    ),
    tie('object'),
  ),
  object: fc.record(
    {
      type: fc.constant('object'),
      properties: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any'), { maxKeys: 3 }),
      required: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 2 }),
      additionalProperties: fc.oneof(fc.boolean(), tie('any')),
    },
    { requiredKeys: ['type'] },
  ),
}))

test('property: a value conforms if and only if JSON Schema says so', () => {
  fc.assert(
    fc.property(schemas.object, values.any, (given, value) => {
      // As they come over the wire: no prototypes, no -0.
      const schema = readEventSchema(JSON.parse(JSON.stringify(given)))
      const sent: unknown = JSON.parse(JSON.stringify(value))
      assert.equal(conforms(schema, sent), Check(schema, sent))
    }),
    fuzzRuns(2_000),
  )
})

test('an empty element is judged without a look at the members that a schema names', () => {
  const names = Array.from({ length: 200 }, (_, n) => `p${n}`)
  let looks = 0
  const properties = new Proxy(
    Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    {
      get: (target, name, receiver) => {
        looks++
        return Reflect.get(target, name, receiver)
      },
    },
  )
  const schema = { ...readEventSchema({ type: 'object' }), properties }
  assert.ok(conforms(schema, {}))
  assert.equal(looks, 0)
  assert.ok(!conforms(schema, { p7: 1 }))
  assert.equal(looks, 1)
})
