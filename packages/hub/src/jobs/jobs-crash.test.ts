import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { until } from '../../test/hub.ts'
import { HOUR_MS, setUp, update } from '../../test/jobs.ts'
import type { Job } from './job.ts'
import type { JobStore } from './job-store.ts'
import { Jobs } from './jobs.ts'

/** A store that stops answering after so many calls, as a process does that was killed. */
function dyingAfter<T extends object>(target: T, calls: { left: number }): T {
  return new Proxy(target, {
    get(of, name) {
      const member = Reflect.get(of, name) as unknown
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        if (calls.left <= 0) return new Promise(() => {})
        calls.left -= 1
        return (member as (...all: unknown[]) => unknown).apply(of, args)
      }
    },
  })
}

/** The store's functions, to be mixed with others. */
function bound(store: JobStore): JobStore {
  return {
    insert: (job) => store.insert(job),
    save: (job) => store.save(job),
    find: (jobId) => store.find(jobId),
    active: () => store.active(),
    list: (filter) => store.list(filter),
    addTargets: (job, refs, nowMs) => store.addTargets(job, refs, nowMs),
    saveTarget: (target) => store.saveTarget(target),
    endTargets: (jobId, from, to) => store.endTargets(jobId, from, to),
    targets: (filter) => store.targets(filter),
    statistics: (jobId) => store.statistics(jobId),
    expired: (beforeMs, keep) => store.expired(beforeMs, keep),
    remove: (jobId, limit) => store.remove(jobId, limit),
  }
}

/** Every other call is refused, as by a store that has too much to do. */
function oftenBusy<T extends object>(
  target: T,
  code: 'ServiceUnavailable' | 'ThrottlingException',
) {
  let calls = 0
  return new Proxy(target, {
    get(of, name) {
      const member = Reflect.get(of, name) as unknown
      if (typeof member !== 'function') return member
      return async (...args: unknown[]) => {
        calls += 1
        if (calls % 2 === 1) throw new HubError(code, 'too much to do')
        return (member as (...all: unknown[]) => unknown).apply(of, args)
      }
    },
  })
}

test('a job outlives stores that are too busy for a while', async () => {
  const { clock, hub, ports, store, tagsOf } = setUp()
  for (const deviceId of ['d1', 'd2']) await hub.identities.createDevice(deviceId, {})
  await store.insert({
    ...{ jobId: 'j1', runId: 'r1', queryCondition: '*', status: 'queued', isGathered: false },
    work: { type: 'scheduleUpdateTwin', write: { tags: { site: 'A' } } },
    ...{ createdTimeMs: 0, startTimeMs: 0, endTimeMs: null, maxExecutionMs: HOUR_MS },
    failureReason: '',
  })
  const { active, endTargets } = bound(store)
  const busy = oftenBusy(bound(store), 'ServiceUnavailable')
  // At the start nobody has anything to do yet.
  const jobs = new Jobs({
    ...ports,
    store: { ...bound(busy), active, endTargets },
    queries: oftenBusy(hub.queries, 'ThrottlingException'),
  })
  await jobs.start()
  await until(async () => {
    clock.advance(1_000)
    return (await store.find('j1'))?.status === 'completed'
  })
  assert.equal((await store.statistics('j1')).succeededCount, 2)
  assert.deepEqual([await tagsOf('d1'), await tagsOf('d2')], [{ site: 'A' }, { site: 'A' }])
  await jobs.close()
})

test('a cancellation that could not be stored did not happen', async () => {
  const { clock, hub, ports, store, tagsOf } = setUp()
  await hub.identities.createDevice('d1', {})
  let isBusy = false
  const save = async (job: Job) => {
    if (isBusy) throw new HubError('ServiceUnavailable', 'too much to do')
    await store.save(job)
  }
  const jobs = new Jobs({ ...ports, store: { ...bound(store), save } })
  await jobs.start()
  const startTime = new Date(clock.now() + HOUR_MS).toISOString()
  await jobs.create('j1', { ...update('*'), startTime })
  await until(async () => (await store.find('j1'))?.status === 'scheduled')
  isBusy = true
  await assert.rejects(jobs.cancel('j1'), { code: 'ServiceUnavailable' })
  isBusy = false
  assert.equal((await jobs.find('j1'))?.job.status, 'scheduled')
  await until(async () => {
    clock.advance(60_000)
    return (await store.find('j1'))?.status === 'completed'
  })
  assert.deepEqual(await tagsOf('d1'), { site: 'A' })
  await jobs.close()
})

test('killed anywhere and started again: each twin has the update exactly once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 4 }),
      async (devices, kills) => {
        const { hub, ports } = setUp()
        for (let n = 0; n < devices; n++) await hub.identities.createDevice(`d${n}`, {})
        await ports.store.insert({
          ...{ jobId: 'j1', runId: 'r1', queryCondition: '*', status: 'queued' },
          work: { type: 'scheduleUpdateTwin', write: { desired: { a: 1 }, tags: { b: 2 } } },
          ...{ createdTimeMs: 0, startTimeMs: 0, endTimeMs: null, maxExecutionMs: 10 * HOUR_MS },
          ...{ isGathered: false, failureReason: '' },
        })
        for (const left of kills) {
          const calls = { left }
          const dying = new Jobs({
            ...ports,
            store: dyingAfter(ports.store, calls),
            twins: dyingAfter(ports.twins as object, calls) as typeof ports.twins,
            queries: dyingAfter(ports.queries as object, calls) as typeof ports.queries,
          })
          void dying.start()
          // Everything is in memory: it goes as far as it may within these turns.
          for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
          calls.left = 0
        }
        const last = new Jobs(ports)
        await last.start()
        await until(async () => (await last.find('j1'))?.job.status === 'completed')
        const { statistics } = (await last.find('j1')) ?? {}
        assert.equal(statistics?.succeededCount, devices)
        for (let n = 0; n < devices; n++) {
          const { twin } = await hub.twins.get({ deviceId: `d${n}` })
          assert.deepEqual([twin.desired.version, twin.desired.values], [2, { a: 1 }])
          assert.deepEqual([twin.version, twin.tags], [3, { b: 2 }])
        }
        await last.close()
      },
    ),
    fuzzRuns(20),
  )
})
