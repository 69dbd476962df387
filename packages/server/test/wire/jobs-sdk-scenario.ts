// What a back-end does with Microsoft's JobClient; every step must hold.

import assert from 'node:assert/strict'
import iothub from 'azure-iothub'

const [connectionString = ''] = process.argv.slice(2)
const jobs = iothub.JobClient.fromConnectionString(connectionString)
const registry = iothub.Registry.fromConnectionString(connectionString)
const DEADLINE_MS = 20_000

// biome-ignore lint/suspicious/noExplicitAny: the SDK declares no shape of a job
type Job = any

async function finished(jobId: string): Promise<Job> {
  const deadlineMs = Date.now() + DEADLINE_MS
  for (;;) {
    const job = (await jobs.getJob(jobId)).jobStatus as Job
    if (job.status === 'completed' || job.status === 'failed') return job
    assert.ok(Date.now() < deadlineMs, `${jobId} is ${job.status}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const patch = { etag: '*', tags: { site: 'A' }, properties: { desired: { interval: 5 } } }
const condition = "deviceId IN ['d-1', 'd-2']"
const now = new Date()
// biome-ignore lint/suspicious/noExplicitAny: as samples call it, with a patch that is no whole twin
const update = await jobs.scheduleTwinUpdate('update-1', condition, patch as any, now, 300)
assert.deepEqual(update.jobStatus, {
  jobId: 'update-1',
  type: 'scheduleUpdateTwin',
  status: 'queued',
})
const updated = await finished('update-1')
assert.equal(updated.status, 'completed')
assert.deepEqual(updated.deviceJobStatistics, {
  deviceCount: 2,
  failedCount: 0,
  succeededCount: 2,
  runningCount: 0,
  pendingCount: 0,
})
assert.deepEqual(updated.updateTwin, { deviceId: null, ...patch })
assert.ok(updated.createdTime && updated.startTime && updated.endTime)
assert.equal(updated.maxExecutionTimeInSeconds, 300)
const twin = (await registry.getTwin('d-2')).responseBody
assert.deepEqual(twin.tags, { site: 'A' })
assert.equal(twin.properties.desired.interval, 5)

const call = { methodName: 'reboot', payload: { delay: 1 }, responseTimeoutInSeconds: 10 }
await jobs.scheduleDeviceMethod('call-1', "tags.site = 'A'", call)
const called = await finished('call-1')
// d-1 is connected and answers, d-2 is not.
assert.deepEqual(
  [
    called.status,
    called.deviceJobStatistics.succeededCount,
    called.deviceJobStatistics.failedCount,
  ],
  ['completed', 1, 1],
)

const query = registry.createQuery("SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'call-1'")
const records: Job[] = []
while (query.hasMoreResults) records.push(...((await query.next()).result as unknown as Job[]))
const byDevice = new Map(records.map((record) => [record.deviceId, record]))
assert.deepEqual(byDevice.get('d-1').outcome, {
  deviceMethodResponse: { status: 202, payload: { name: 'reboot', payload: { delay: 1 } } },
})
assert.equal(byDevice.get('d-1').status, 'completed')
assert.equal(byDevice.get('d-2').status, 'failed')
assert.equal(byDevice.get('d-2').error.code, 'DeviceNotOnline')

const later = new Date(Date.now() + 3_600_000)
// biome-ignore lint/suspicious/noExplicitAny: as above
await jobs.scheduleTwinUpdate('later-1', '*', patch as any, later, 60)
const cancelled = (await jobs.cancelJob('later-1')).jobStatus as Job
assert.equal(cancelled.status, 'cancelled')
await assert.rejects(
  jobs.cancelJob('update-1'),
  (error: { response?: { statusCode?: number } }) => {
    assert.equal(error.response?.statusCode, 405)
    return true
  },
)
await assert.rejects(
  jobs.cancelJob('nothing-1'),
  (error: { response?: { statusCode?: number } }) => error.response?.statusCode === 404,
)
const unknown = (await jobs.getJob('nothing-1')).jobStatus as Job
assert.deepEqual([unknown.jobId, unknown.status], ['nothing-1', 'unknown'])
await assert.rejects(
  // biome-ignore lint/suspicious/noExplicitAny: as above
  jobs.scheduleTwinUpdate('update-1', '*', patch as any),
  (error: { response?: { statusCode?: number } }) => error.response?.statusCode === 409,
)

const listed: Job[] = []
const list = jobs.createQuery('scheduleUpdateTwin', undefined, 1)
// Without an argument the SDK would ask for the first page again.
while (list.hasMoreResults) {
  const { result } = await list.next(list.continuationToken)
  listed.push(...(result as unknown as Job[]))
}
assert.deepEqual(
  listed.map(({ jobId }) => jobId),
  ['later-1', 'update-1'],
)

process.stdout.write('all steps passed\n')
process.exit(0)
