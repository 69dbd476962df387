import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeviceRef } from '@twinward/protocol'
import type { Job, JobTarget } from '../../src/jobs/job.ts'
import type { JobStore } from '../../src/jobs/job-store.ts'

/** What every JobStore must do. */
export function jobStoreContract(open: () => Promise<JobStore>): void {
  test('insert: a job comes back as it was; a second one with its id is refused', async () => {
    const store = await open()
    const first = job('a', 1)
    assert.equal(await store.insert(first), true)
    assert.equal(await store.insert({ ...first, createdTimeMs: 9 }), false)
    assert.deepEqual(await store.find('a'), first)
    assert.equal(await store.find('b'), undefined)
    const second: Job = { ...first, status: 'failed', endTimeMs: 5, failureReason: 'ä "x"' }
    await store.save(second)
    assert.deepEqual(await store.find('a'), second)
  })

  test('active: those that are not over', async () => {
    const store = await open()
    const statuses = ['queued', 'scheduled', 'running', 'completed', 'failed', 'cancelled'] as const
    for (const [n, status] of statuses.entries()) {
      await store.insert({ ...job(status, n), status })
    }
    const ids = (await store.active()).map(({ jobId }) => jobId).sort()
    assert.deepEqual(ids, ['queued', 'running', 'scheduled'])
  })

  test('list: the youngest first, by type and status, a page at a time', async () => {
    const store = await open()
    for (const [id, createdMs] of [
      ['c', 2],
      ['a', 1],
      ['b', 2],
      ['d', 3],
    ] as const) {
      await store.insert(job(id, createdMs))
    }
    await store.insert({ ...job('m', 4), work: CALL, status: 'completed' })
    const ids: string[] = []
    let after: string | undefined
    do {
      const page = await store.list({ limit: 2, ...(after !== undefined && { after }) })
      ids.push(...page.jobs.map(({ jobId }) => jobId))
      after = page.next
    } while (after !== undefined)
    assert.deepEqual(ids, ['m', 'd', 'b', 'c', 'a'])
    const calls = await store.list({ limit: 10, type: 'scheduleDeviceMethod' })
    assert.deepEqual(
      calls.jobs.map(({ jobId }) => jobId),
      ['m'],
    )
    assert.equal((await store.list({ limit: 10, status: 'queued' })).jobs.length, 4)
    await assert.rejects(store.list({ limit: 1, after: "x' OR 1" }), { code: 'ArgumentInvalid' })
  })

  test('targets: added once, found by job, device and status in the order of their places', async () => {
    const store = await open()
    const one = job('one', 1)
    const other = job('other', 2)
    for (const each of [one, other]) await store.insert(each)
    await store.addTargets(one, refs('d1', 'd2'), 5)
    await store.addTargets(one, [...refs('d2', 'd3'), { deviceId: 'd2', moduleId: 'm' }], 6)
    await store.addTargets(other, refs('d2'), 7)
    const all = await store.targets({ limit: 10 })
    assert.deepEqual(
      all.map(({ target }) => [target.jobId, target.ref, target.createdTimeMs]),
      [
        ['one', { deviceId: 'd1' }, 5],
        ['one', { deviceId: 'd2' }, 5],
        ['one', { deviceId: 'd3' }, 6],
        ['one', { deviceId: 'd2', moduleId: 'm' }, 6],
        ['other', { deviceId: 'd2' }, 7],
      ],
    )
    const places = all.map(({ place }) => place)
    assert.deepEqual(
      places,
      [...places].sort((a, b) => a - b),
    )
    const after = { limit: 10, after: places[1] ?? 0 }
    assert.equal((await store.targets(after)).length, 3)
    assert.equal((await store.targets({ limit: 10, deviceId: 'd2' })).length, 3)
    assert.equal((await store.targets({ limit: 10, deviceId: 'd2', jobId: 'one' })).length, 2)
    const [first] = all
    assert.ok(first)
    const done: JobTarget = {
      ...first.target,
      status: 'completed',
      startTimeMs: 8,
      endTimeMs: 9,
      updatedTimeMs: 9,
      answer: '{"status":200,"payload":1.0}',
    }
    await store.saveTarget(done)
    assert.deepEqual(await store.targets({ limit: 1, status: 'completed' }), [
      { place: first.place, target: done },
    ])
  })

  test('endTargets and statistics: by status, of one job', async () => {
    const store = await open()
    for (const each of ['one', 'other']) await store.insert(job(each, 1))
    await store.addTargets(job('one', 1), refs('d1', 'd2', 'd3'), 1)
    await store.addTargets(job('other', 1), refs('d1'), 1)
    const [first] = await store.targets({ limit: 1, jobId: 'one' })
    assert.ok(first)
    await store.saveTarget({ ...first.target, status: 'running' })
    const error = { code: 'GatewayTimeout', description: 'late' }
    const end = { status: 'failed', updatedTimeMs: 4, endTimeMs: 4, error } as const
    await store.endTargets('one', 'pending', end)
    assert.deepEqual(await store.statistics('one'), {
      deviceCount: 3,
      failedCount: 2,
      succeededCount: 0,
      runningCount: 1,
      pendingCount: 0,
    })
    const failed = await store.targets({ limit: 10, status: 'failed' })
    assert.deepEqual(
      failed.map(({ target }) => [target.ref.deviceId, target.endTimeMs, target.error]),
      [
        ['d2', 4, error],
        ['d3', 4, error],
      ],
    )
    assert.equal((await store.statistics('other')).pendingCount, 1)
    assert.equal((await store.statistics('none')).deviceCount, 0)
  })

  test('expired and remove: old ones and all but the youngest, in steps; never active ones', async () => {
    const store = await open()
    for (let n = 1; n <= 4; n++) {
      await store.insert({ ...job(`j${n}`, n), status: 'completed', endTimeMs: n })
    }
    await store.insert(job('busy', 0))
    assert.deepEqual([...(await store.expired(2, 10))].sort(), ['j1'])
    assert.deepEqual([...(await store.expired(0, 2))].sort(), ['j1', 'j2'])
    await store.addTargets(job('j1', 1), refs('d1', 'd2', 'd3'), 1)
    assert.equal(await store.remove('j1', 2), false)
    assert.equal((await store.statistics('j1')).deviceCount, 1)
    assert.equal(await store.remove('j1', 2), true)
    assert.equal(await store.find('j1'), undefined)
    // A job that has its id later starts with nothing.
    await store.insert(job('j1', 9))
    assert.equal((await store.statistics('j1')).deviceCount, 0)
  })
}

const CALL = {
  type: 'scheduleDeviceMethod',
  call: { name: 'reboot', payload: null, responseTimeoutMs: 30_000, connectTimeoutMs: 0 },
} as const

function refs(...deviceIds: readonly string[]): readonly DeviceRef[] {
  return deviceIds.map((deviceId) => ({ deviceId }))
}

function job(jobId: string, createdTimeMs: number): Job {
  return {
    jobId,
    runId: `run-${jobId}`,
    work: { type: 'scheduleUpdateTwin', write: { tags: { a: null } } },
    queryCondition: '*',
    status: 'queued',
    createdTimeMs,
    startTimeMs: createdTimeMs,
    endTimeMs: null,
    maxExecutionMs: 1000,
    isGathered: false,
    failureReason: '',
    author: { name: 'service', rights: ['ServiceConnect'] },
  }
}
