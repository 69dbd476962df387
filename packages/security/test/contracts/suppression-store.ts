import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Suppression } from '../../src/detection/suppressions/suppression.ts'
import type { SuppressionStore } from '../../src/detection/suppressions/suppression-store.ts'
import { ODD } from './findings.ts'

const plain: Suppression = {
  ...{ id: 'a', alertType: 'IoT_WebShell', group: '', deviceId: '', expiresMs: 0, isEnabled: true },
  match: [{ name: 'CommandLine', operator: 'contains', value: ODD }],
  ...{ reason: ODD, author: 'owner', createdMs: 2_000, changedMs: 2_000 },
}

/** What every SuppressionStore must do. Each adapter calls this with a way to open an empty one. */
export function suppressionStoreContract(open: () => Promise<SuppressionStore>): void {
  test('suppressions come back whole, the oldest first, then by id', async () => {
    const store = await open()
    assert.deepEqual(await store.all(), [])
    await store.put(plain)
    await store.put({ ...plain, id: 'c', createdMs: 1_000 })
    await store.put({ ...plain, id: 'b', createdMs: 1_000 })
    const all = await store.all()
    assert.deepEqual(
      all.map(({ id }) => id),
      ['b', 'c', 'a'],
    )
    assert.deepEqual(all[2], plain)
  })

  test('a suppression is replaced by its id, and removed; an unknown one is no error', async () => {
    const store = await open()
    await store.put(plain)
    await store.put({ ...plain, isEnabled: false, expiresMs: 5 })
    assert.deepEqual(await store.all(), [{ ...plain, isEnabled: false, expiresMs: 5 }])
    await store.remove('a')
    await store.remove('a')
    assert.deepEqual(await store.all(), [])
  })
}
