import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventSchema, EventSchemaStore } from '../../src/ingestion/event-schemas.ts'

/** What every EventSchemaStore must do. Each adapter calls this with a way to open an empty one. */
export function eventSchemaStoreContract(open: () => Promise<EventSchemaStore>): void {
  test('schemas come back as they were stored, by name; one replaces its predecessor', async () => {
    const store = await open()
    assert.deepEqual(await store.list(), [])
    await store.put(schema('b.Two'))
    await store.put(schema('a.One'))
    await store.put({ ...schema('b.Two'), description: 'changed' })
    assert.deepEqual(await store.list(), [
      schema('a.One'),
      { ...schema('b.Two'), description: 'changed' },
    ])
  })

  test('a schema that is removed is gone; removing nothing is no error', async () => {
    const store = await open()
    await store.put(schema('a.One'))
    await store.remove('a.One')
    await store.remove('a.One')
    assert.deepEqual(await store.list(), [])
  })
}

function schema(name: string): EventSchema {
  const properties = JSON.parse('{"__proto__":{"type":"string"},"ü":{"type":"integer"}}')
  return {
    ...{ name, description: 'a "quoted" text', changedMs: 5, changedBy: 'service' },
    schema: { type: 'object', properties },
  }
}
