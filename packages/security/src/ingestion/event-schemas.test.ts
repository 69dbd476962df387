import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type JsonObject } from '@twinward/protocol'
import fc from 'fast-check'
import { FakeClock } from '../../test/fake-clock.ts'
import { MemoryEventSchemaStore } from '../adapters/memory/event-schema-store.ts'
import { checkEventName, MAX_SCHEMA_DEPTH, readEventSchema } from './event-schema.ts'
import { EventSchemas, MAX_EVENT_SCHEMAS } from './event-schemas.ts'

const door: JsonObject = {
  type: 'object',
  properties: {
    door: { type: 'integer', minimum: 1 },
    state: { type: 'string', enum: ['open', 'closed'] },
    by: { type: 'string', maxLength: 8 },
    places: { type: 'array', items: { type: 'number' }, maxItems: 2 },
  },
  required: ['door', 'state'],
  additionalProperties: false,
}

async function open(store = new MemoryEventSchemaStore()) {
  const schemas = new EventSchemas(store, new FakeClock())
  await schemas.start()
  const put = (name: string, schema: JsonObject = door) =>
    schemas.put({ name, description: '', schema, changedBy: 'service' })
  return { schemas, put, store }
}

function isInvalid(pattern: RegExp) {
  return (error: unknown) =>
    error instanceof HubError && error.code === 'ArgumentInvalid' && pattern.test(error.message)
}

test('elements are judged by the schema of their name, with what is wrong and where', async () => {
  const { schemas, put } = await open()
  await put('acme.DoorOpened')
  const refuse = (element: object) => schemas.refuse('acme.DoorOpened', element, 'Payload[0]')
  assert.equal(refuse({ door: 3, state: 'open', places: [1.5] }), undefined)
  for (const [element, reason] of [
    [{ state: 'open' }, 'Payload[0].door: required, but missing'],
    [{ door: 0, state: 'open' }, 'Payload[0].door: expected an integer (minimum 1), got number 0'],
    [{ door: 1, state: 'ajar' }, 'Payload[0].state: expected one of "open", "closed", got "ajar"'],
    [
      { door: 1, state: 'open', by: '123456789' },
      'Payload[0].by: expected a string (maxLength 8), got "123456789"',
    ],
    [{ door: 1, state: 'open', places: ['x'] }, 'Payload[0].places[0]: expected a number, got "x"'],
    [{ door: 1, state: 'open', extra: 1 }, 'Payload[0].extra: not a member of this object'],
  ] as const) {
    assert.equal(refuse(element), reason)
  }
  assert.equal(schemas.has('acme.Other'), false)
  assert.equal(schemas.refuse('acme.Other', {}, ''), undefined)
})

test('a schema outlives the process; removed, its name is an unknown one', async () => {
  const { put, store } = await open()
  await put('acme.DoorOpened')
  const { schemas } = await open(store)
  assert.equal(schemas.has('acme.DoorOpened'), true)
  assert.deepEqual(schemas.get('acme.DoorOpened').schema, door)
  await schemas.remove('acme.DoorOpened')
  assert.equal(schemas.has('acme.DoorOpened'), false)
  await assert.rejects(schemas.remove('acme.DoorOpened'), HubError)
  assert.deepEqual(await store.list(), [])
})

test('no name can shadow a built-in event, now or later', () => {
  for (const name of ['acme.DoorOpened', 'a.b.c-d_1', `a.${'b'.repeat(126)}`]) checkEventName(name)
  for (const name of [
    ...['ProcessCreate', 'Process', 'DoorOpened', '', '.', 'a.', '.a', 'a..b', 'a b.c'],
    ...['twinward.X', 'Twinward.X', `a.${'b'.repeat(127)}`, '1.a', '__proto__', 'a.ü'],
  ]) {
    assert.throws(() => checkEventName(name), isInvalid(/./), name)
  }
})

test('a schema that could cost more than what it judges is refused, and says where', () => {
  const nested = (depth: number): JsonObject =>
    depth === 0 ? { type: 'string' } : { type: 'object', properties: { a: nested(depth - 1) } }
  readEventSchema(nested(MAX_SCHEMA_DEPTH - 1))
  for (const [schema, reason] of [
    [nested(MAX_SCHEMA_DEPTH), /nests deeper than 8/],
    [{ type: 'string' }, /schema\.type: elements of a payload are objects/],
    [{}, /schema\.type: expected one of/],
    [null, /expected an object/],
    [{ type: ['object', 'null'] }, /schema\.type: expected one of/],
    [{ type: 'object', $ref: '#' }, /schema\.\$ref: not a keyword/],
    [{ type: 'object', anyOf: [] }, /schema\.anyOf: not a keyword/],
    [
      { type: 'object', properties: { a: { type: 'string', pattern: '(a+)+$' } } },
      /schema\.properties\.a\.pattern: not a keyword/,
    ],
    [{ type: 'object', properties: [] }, /properties: expected an object/],
    [{ type: 'object', required: [1] }, /required: expected an array of strings/],
    [
      { type: 'object', properties: { a: { type: 'string', enum: [] } } },
      /a\.enum: expected 1 to 100 values of type string/,
    ],
    [
      { type: 'object', properties: { a: { type: 'string', maxLength: -1 } } },
      /a\.maxLength: expected a whole number/,
    ],
    [{ type: 'object', description: 'x'.repeat(20_000) }, /at most 16384 are allowed/],
    [
      {
        type: 'object',
        properties: Object.fromEntries(
          Array.from({ length: 256 }, (_, index) => [`a${index}`, { type: 'null' }]),
        ),
      },
      /more than 256 parts/,
    ],
  ] as const) {
    assert.throws(() => readEventSchema(schema), isInvalid(reason))
  }
})

test('annotations are allowed and mean nothing', () => {
  readEventSchema({
    ...{ $schema: 'https://json-schema.org/draft/2020-12/schema', title: 't', description: 'd' },
    ...{ examples: [{}], default: {}, type: 'object' },
  })
})

test('fuzz: whatever the schema and the element are, the answer is a verdict or a refusal', async () => {
  const { schemas, put } = await open()
  const keyword = fc.constantFrom(
    ...['type', 'properties', 'items', 'required', 'enum', 'const', 'additionalProperties'],
    ...['minimum', 'maxLength', 'minItems', '__proto__', 'constructor'],
  )
  const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('object', 'array', 'string', 'integer', 1, -1, true, null),
      fc.dictionary(fc.oneof(keyword, fc.string({ maxLength: 3 })), tie('value'), { maxKeys: 4 }),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
  })).value
  await fc.assert(
    fc.asyncProperty(value, fc.jsonValue({ maxDepth: 4 }), async (schema, element) => {
      try {
        await put('acme.Fuzzed', { type: 'object', ...(schema as JsonObject) })
      } catch (error) {
        assert.ok(error instanceof HubError, String(error))
        return
      }
      const reason = schemas.refuse('acme.Fuzzed', { a: element }, 'Payload[0]')
      assert.ok(reason === undefined || reason.startsWith('Payload[0]'))
    }),
    { numRuns: 2_000 },
  )
})

test('a hub learns a bounded number of names', async () => {
  const { put } = await open()
  for (let index = 0; index < MAX_EVENT_SCHEMAS; index++) await put(`acme.E${index}`)
  await assert.rejects(put('acme.OneMore'), /at most 500 schemas/)
  await put('acme.E0')
})
