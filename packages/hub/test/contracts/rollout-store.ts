import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rollout } from '../../src/rollouts/rollout.ts'
import type { RolloutStore } from '../../src/rollouts/rollout-store.ts'

/** What every RolloutStore must do. */
export function rolloutStoreContract(open: () => Promise<RolloutStore>): void {
  test('a rollout comes back as it was, is replaced and removed; the list is in the order of ids', async () => {
    const store = await open()
    assert.deepEqual(await store.list(), [])
    for (const id of ['b', 'a', 'c']) await store.save(rollout(id))
    const changed: Rollout = { ...rollout('b'), state: 'halted', reason: 'ä "x"', wave: 1 }
    await store.save(changed)
    await store.remove('c')
    await store.remove('nobody')
    assert.deepEqual(await store.list(), [rollout('a'), changed])
  })
}

function rollout(id: string): Rollout {
  return {
    id,
    configurationId: `configuration-${id}`,
    configuration: { id, content: { deviceContent: { 'properties.desired.a': null } } },
    rules: {
      success: 'properties.reported.a = 1',
      successRatio: 0.9,
      failureRatio: 0,
      pauseMs: 1,
      waitMs: 2,
      onFailure: 'rollback',
    },
    waves: [
      { size: '5%', below: 2 ** 47 + 1, planned: 3, sinceMs: 5, doneMs: 0 },
      { size: 'rest', below: 2 ** 48, planned: 60, sinceMs: 0, doneMs: 0 },
    ],
    state: 'running',
    wave: 0,
    calmSinceMs: 0,
    reason: '',
    createdMs: 1,
    updatedMs: 2,
    history: [{ timeMs: 1, state: 'preparing', wave: -1, by: 'service', note: '' }],
    author: { name: 'service', rights: ['ServiceConnect'] },
  }
}
