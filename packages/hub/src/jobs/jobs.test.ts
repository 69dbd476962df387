import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { until } from '../../test/hub.ts'
import { call, HOUR_MS, setUp, update } from '../../test/jobs.ts'
import { Queries } from '../twins/query/queries.ts'
import { JobRecords } from './job-records.ts'
import { Jobs, MAX_ACTIVE_JOBS } from './jobs.ts'

test('an update reaches each device that meets the condition, once, and no other', async () => {
  const { hub, jobs, tagsOf, isOver } = setUp()
  for (const deviceId of ['d1', 'd2', 'd3']) await hub.identities.createDevice(deviceId, {})
  await hub.twins.patch({ deviceId: 'd3' }, { tags: { site: 'B' } })
  await jobs.start()
  const body = update("is_defined(tags.site) = false OR tags.site != 'B'", {
    tags: { site: 'A' },
    properties: { desired: { interval: 5 } },
  })
  const job = await jobs.create('j1', body)
  assert.equal(job.status, 'queued')
  await until(isOver('j1'))
  const state = await jobs.find('j1')
  assert.equal(state?.job.status, 'completed')
  assert.deepEqual(state?.statistics, {
    deviceCount: 2,
    failedCount: 0,
    succeededCount: 2,
    runningCount: 0,
    pendingCount: 0,
  })
  assert.deepEqual([await tagsOf('d1'), await tagsOf('d3')], [{ site: 'A' }, { site: 'B' }])
  const { twin } = await hub.twins.get({ deviceId: 'd2' })
  assert.deepEqual([twin.desired.values, twin.desired.version], [{ interval: 5 }, 2])
  await jobs.close()
})

test('modules are targets too, and a condition that cannot be read fails the job', async () => {
  const { hub, jobs, isOver } = setUp()
  const ref = { deviceId: 'd1', moduleId: 'app' }
  await hub.identities.createDevice('d1', {})
  await hub.identities.createModule(ref, {})
  await jobs.start()
  await jobs.create('modules', update("FROM devices.modules WHERE moduleId = 'app'"))
  await jobs.create('wrong', update('tags.site ='))
  await until(isOver('modules'))
  await until(isOver('wrong'))
  assert.deepEqual((await hub.twins.get(ref)).twin.tags, { site: 'A' })
  assert.deepEqual((await hub.twins.get({ deviceId: 'd1' })).twin.tags, {})
  const wrong = await jobs.find('wrong')
  assert.equal(wrong?.job.status, 'failed')
  assert.match(wrong?.job.failureReason ?? '', /expected/)
  await jobs.close()
})

test('a scheduled job waits for its time, and can be cancelled until then', async () => {
  const { clock, hub, jobs, tagsOf, isOver } = setUp()
  await hub.identities.createDevice('d1', {})
  await jobs.start()
  const startTime = new Date(clock.now() + HOUR_MS).toISOString()
  for (const id of ['later', 'never']) await jobs.create(id, { ...update('*'), startTime })
  await until(async () => (await jobs.find('never'))?.job.status === 'scheduled')
  assert.equal((await jobs.cancel('never')).job.status, 'cancelled')
  await assert.rejects(jobs.cancel('never'), { code: 'OperationNotAllowedInCurrentState' })
  await assert.rejects(jobs.cancel('nobody'), { code: 'JobNotFound' })
  clock.advance(HOUR_MS - 1)
  assert.deepEqual(await tagsOf('d1'), {})
  await until(() => {
    clock.advance(1000)
    return isOver('later')()
  })
  assert.deepEqual(await tagsOf('d1'), { site: 'A' })
  assert.equal((await jobs.find('never'))?.statistics.deviceCount, 0)
  await assert.rejects(jobs.cancel('later'), { code: 'OperationNotAllowedInCurrentState' })
  await jobs.close()
})

test('an id is taken, and slots run out; a cancelled job frees its slot', async () => {
  const { clock, jobs } = setUp()
  await jobs.start()
  const body = { ...update('*'), startTime: new Date(clock.now() + HOUR_MS).toISOString() }
  for (let n = 0; n < MAX_ACTIVE_JOBS; n++) await jobs.create(`j${n}`, body)
  await assert.rejects(jobs.create('j0', body), { code: 'JobAlreadyExists' })
  const more = { code: 'ThrottlingMaxActiveJobCountExceeded' }
  await assert.rejects(jobs.create('more', body), more)
  await jobs.cancel('j3')
  await jobs.create('more', body)
  await jobs.close()
})

test('a method that meets an offline device fails there, with the code of a direct call', async () => {
  const { hub, jobs, store, isOver } = setUp()
  await hub.identities.createDevice('d1', {})
  await jobs.start()
  await jobs.create('j1', call('*'))
  await until(isOver('j1'))
  const state = await jobs.find('j1')
  assert.deepEqual([state?.job.status, state?.statistics.failedCount], ['completed', 1])
  const [record] = await store.targets({ limit: 1 })
  assert.equal(record?.target.error?.code, 'DeviceNotOnline')
  await jobs.close()
})

test('when the time is over, those that had no turn have failed', async () => {
  const answers: (() => void)[] = []
  const methods = {
    invoke: () =>
      new Promise<{ status: number; payload: string }>((resolve) =>
        answers.push(() => resolve({ status: 200, payload: '12345678901234567890' })),
      ),
  }
  const { clock, hub, jobs, store, isOver } = setUp({ methods })
  for (let n = 0; n < 70; n++) await hub.identities.createDevice(`d${n}`, {})
  await jobs.start()
  await jobs.create('j1', { ...call('*'), maxExecutionTimeInSeconds: 60 })
  await until(() => answers.length === 64)
  clock.advance(61_000)
  for (const answer of answers) answer()
  await until(isOver('j1'))
  const { statistics } = (await jobs.find('j1')) ?? {}
  assert.deepEqual([statistics?.succeededCount, statistics?.failedCount], [64, 6])
  const [late] = await store.targets({ limit: 1, status: 'failed' })
  assert.equal(late?.target.error?.code, 'JobExecutionTimeExceeded')
  const records = new JobRecords(store)
  const query = { source: 'devices.jobs', select: '*' } as const
  const { rows } = await records.query(query, { limit: 1 })
  assert.match(
    rows[0] ?? '',
    /"deviceMethodResponse":\{"status":200,"payload":12345678901234567890\}/,
  )
  await jobs.close()
})

test('a method that was under way when the hub stopped is not called again', async () => {
  let calls = 0
  const methods = {
    invoke: () => {
      calls += 1
      return new Promise<never>(() => {})
    },
  }
  const { hub, jobs, ports, store } = setUp({ methods })
  await hub.identities.createDevice('d1', {})
  await jobs.start()
  await jobs.create('j1', call('*'))
  await until(() => calls === 1)
  // The process is gone; another one opens the same stores.
  const next = new Jobs(ports)
  await next.start()
  await until(async () => (await next.find('j1'))?.job.status === 'completed')
  const [record] = await store.targets({ limit: 1 })
  assert.match(record?.target.error?.description ?? '', /may have run/)
  assert.equal(calls, 1)
  await next.close()
})

test('records are found with conditions, a page at a time', async () => {
  const { hub, jobs, store, isOver } = setUp()
  for (let n = 0; n < 5; n++) await hub.identities.createDevice(`d${n}`, {})
  await jobs.start()
  for (const id of ['j1', 'j2']) {
    await jobs.create(id, update('*'))
    await until(isOver(id))
  }
  const queries = new Queries(hub.registry, new JobRecords(store))
  const text =
    "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j2' AND devices.jobs.status = 'completed'"
  const found: JsonObject[] = []
  let continuation: string | undefined
  do {
    const page = await queries.run(text, { maxItems: 2, ...(continuation && { continuation }) })
    assert.equal(page.itemType, 'DeviceJob')
    found.push(...page.rows.map((row) => JSON.parse(row) as JsonObject))
    continuation = page.continuation
  } while (continuation !== undefined)
  assert.deepEqual(
    found.map(({ deviceId, jobType }) => [deviceId, jobType]),
    ['d0', 'd1', 'd2', 'd3', 'd4'].map((id) => [id, 'scheduleUpdateTwin']),
  )
  assert.deepEqual(found[0]?.outcome, { deviceMethodResponse: null })
  assert.equal(
    (await queries.run("SELECT * FROM devices.jobs WHERE status = 'failed'")).rows.length,
    0,
  )
  await jobs.close()
})
