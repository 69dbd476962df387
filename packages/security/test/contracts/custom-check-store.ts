import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CheckSet, CustomCheckStore } from '../../src/baseline/custom/custom-check-store.ts'

/** What every CustomCheckStore must do. Each adapter calls this with a way to open an empty one. */
export function customCheckStoreContract(open: () => Promise<CustomCheckStore>): void {
  test('custom checks: sets and their contents come back as they were stored', async () => {
    const store = await open()
    await store.put(set('b'), '{"a":"ü 火 \\u0000"}')
    await store.put(set('a'), '1')
    await store.put({ ...set('b'), addedBy: 'somebody' }, '{"a":"ü 火 \\u0000"}')
    assert.deepEqual(await store.find('b'), { ...set('b'), addedBy: 'somebody' })
    assert.equal(await store.content('b'), '{"a":"ü 火 \\u0000"}')
    assert.equal(await store.find('x'), undefined)
    assert.equal(await store.content('x'), undefined)
    assert.equal(await store.count(), 2)
    await store.remove('b')
    await store.remove('b')
    assert.equal(await store.find('b'), undefined)
    assert.equal(await store.count(), 1)
  })

  test('custom checks: listed in pages by hash', async () => {
    const store = await open()
    for (const hash of ['c', 'a', 'b']) await store.put(set(hash), hash)
    const first = await store.list({ limit: 2 })
    assert.deepEqual(first.items, [set('a'), set('b')])
    assert.ok(first.continuationToken)
    const rest = await store.list({ limit: 2, continuationToken: first.continuationToken })
    assert.deepEqual(rest, { items: [set('c')], continuationToken: null })
    await assert.rejects(store.list({ limit: 0 }), { code: 'ArgumentInvalid' })
  })
}

function set(sha256: string): CheckSet {
  return {
    ...{ sha256, addedMs: 5, addedBy: 'service', sizeBytes: 12, baselineId: 'mine', checks: 1 },
    xmlSha256: '',
  }
}
