import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RegistryJob, RegistryJobStore } from '../../src/registry/registry-job.ts'

/** What every RegistryJobStore must do. */
export function registryJobsContract(open: () => Promise<RegistryJobStore>): void {
  test('save: a job comes back as it was, and is replaced by its next state', async () => {
    const store = await open()
    const first = job('a', 1)
    await store.save(first)
    assert.deepEqual(await store.find('a'), first)
    const second = { ...first, status: 'failed' as const, endTimeMs: 5, failureReason: 'ä "x"' }
    await store.save(second)
    assert.deepEqual(await store.find('a'), second)
    assert.deepEqual(await store.list(10), [second])
    assert.equal(await store.find('b'), undefined)
  })

  test('list: the youngest start first, at most so many', async () => {
    const store = await open()
    for (const [id, startTimeMs] of [
      ['c', 2],
      ['a', 1],
      ['b', 2],
      ['d', 3],
    ] as const) {
      await store.save(job(id, startTimeMs))
    }
    const ids = async (limit: number) => (await store.list(limit)).map(({ jobId }) => jobId)
    assert.deepEqual(await ids(10), ['d', 'b', 'c', 'a'])
    assert.deepEqual(await ids(2), ['d', 'b'])
  })

  test('trim: forgets what is old, and what is beyond the number to keep', async () => {
    const store = await open()
    for (let n = 1; n <= 6; n++) await store.save(job(`j${n}`, n))
    await store.trim(3, 10)
    assert.deepEqual(
      (await store.list(10)).map(({ jobId }) => jobId),
      ['j6', 'j5', 'j4', 'j3'],
    )
    await store.trim(0, 2)
    assert.equal(await store.find('j4'), undefined)
    assert.equal((await store.list(10)).length, 2)
    await store.trim(0, 0)
    assert.deepEqual(await store.list(10), [])
  })
}

function job(jobId: string, startTimeMs: number): RegistryJob {
  return {
    jobId,
    type: 'export',
    status: 'running',
    progress: 3,
    startTimeMs,
    endTimeMs: null,
    excludeKeysInExport: false,
    failureReason: null,
  }
}
