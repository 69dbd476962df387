import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { JobRecordView, JobView } from '../src/job.ts'
import type { TwinView } from '../src/twin.ts'
import { startProgram, type TestServer } from './program.ts'

let server: TestServer
before(async () => {
  server = await startProgram()
  for (const id of ['pump-1', 'pump-2']) await server.json('device', 'create', id)
})
after(() => server[Symbol.asyncDispose]())

test('job update: with --wait the twins have it when the command ends', async () => {
  const words = ['job', 'update', '--id', 'u1', '--where', '*', '--wait']
  const job = await server.json<JobView>(...words, '--desired', '{"rpm":9}', '--tags', '{"a":1}')
  assert.deepEqual([job.status, job.deviceJobStatistics?.succeededCount], ['completed', 2])
  const twin = await server.json<TwinView>('twin', 'show', 'pump-2')
  assert.equal(twin.properties.desired.rpm, 9)
  const again = await server.run([...words, '--tags', '{}'])
  assert.deepEqual([again.code, /\(JobAlreadyExists\)/.test(again.stderr)], [1, true])
})

test('job update --modules: security module twins of all devices', async () => {
  const words = ['job', 'update', '--id', 'm1', '--modules', 'azureiotsecurity', '--where', '*']
  const { stdout } = await server.run([...words, '--tags', '{"checked":true}', '--wait'])
  assert.match(stdout, /^Job m1 completed: 2 of 2 done\.\n$/)
  const words2 = ['twin', 'show', 'pump-1', '--module', 'azureiotsecurity']
  assert.equal((await server.json<TwinView>(...words2)).tags?.checked, true)
})

test('job method: devices that are away have failed, which results tell', async () => {
  const words = ['job', 'method', 'reboot', '--id', 'c1', '--where', "deviceId = 'pump-1'"]
  const { code, stdout, stderr } = await server.run([...words, '--wait'])
  assert.equal(code, 1)
  assert.match(stdout, /1 of 1 done, 1 failed/)
  assert.match(stderr, /job results c1 --failed/)
  const results = await server.json<readonly JobRecordView[]>('job', 'results', 'c1', '--failed')
  assert.deepEqual(
    results.map(({ deviceId, error }) => [deviceId, error?.code]),
    [['pump-1', 'DeviceNotOnline']],
  )
  const table = await server.run(['job', 'results', 'c1'])
  assert.match(table.stdout, /pump-1 +failed .*DeviceNotOnline/)
})

test('job list, show, cancel: one that waits for its time', async () => {
  const at = new Date(Date.now() + 3_600_000).toISOString()
  await server.json('job', 'update', '--id', 'l1', '--where', '*', '--tags', '{"b":1}', '--at', at)
  const { stdout } = await server.run(['job', 'list'])
  assert.match(stdout, /l1 +scheduleUpdateTwin +(queued|scheduled)/)
  assert.equal((await server.json<JobView>('job', 'cancel', 'l1')).status, 'cancelled')
  const shown = await server.json<JobView>('job', 'show', 'l1')
  assert.deepEqual([shown.status, shown.queryCondition], ['cancelled', '*'])
  const unknown = await server.run(['job', 'show', 'nobody'])
  assert.deepEqual([unknown.code, unknown.stderr], [1, 'There is no job nobody.\n'])
})

test('a job without --where or without work is a wrong command line', async () => {
  for (const words of [
    ['job', 'update', '--tags', '{}'],
    ['job', 'update', '--where', '*'],
  ]) {
    assert.equal((await server.run(words)).code, 2)
  }
})
