import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SigmaStore, StoredSigmaRule } from '../../src/detection/sigma/sigma-store.ts'

/** What every SigmaStore must do. Each adapter calls this with a way to open an empty one. */
export function sigmaStoreContract(open: () => Promise<SigmaStore>): void {
  test('Sigma rules come back as they were stored, by id; one replaces its predecessor', async () => {
    const store = await open()
    assert.deepEqual(await store.all(), [])
    const [a, b] = [rule('a', { text: 'title: "ü"\n# 💥' }), rule('b')]
    await store.put([b, a])
    assert.deepEqual(await store.all(), [a, b])
    const changed = { ...a, isEnabled: false, source: 'other' }
    await store.put([changed])
    await store.put([])
    assert.deepEqual(await store.all(), [changed, b])
  })

  test('Sigma rules that are removed are gone', async () => {
    const store = await open()
    await store.put(['a', 'b', 'c'].map((id) => rule(id)))
    await store.remove(['a', 'c', 'none'])
    await store.remove([])
    assert.deepEqual(await store.all(), [rule('b')])
  })
}

function rule(id: string, fields: Partial<StoredSigmaRule> = {}): StoredSigmaRule {
  const plain = { text: `title: ${id}`, source: '', isEnabled: true, changedMs: 5 }
  return { id, ...plain, changedBy: 'service', ...fields }
}
