import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { readJobRequest } from './job-request.ts'

const NOW_MS = Date.parse('2026-01-01T00:00:00Z')
const UPDATE: JsonObject = {
  type: 'scheduleUpdateTwin',
  updateTwin: { etag: '*', tags: { site: 'A' }, properties: { desired: { a: null } } },
  queryCondition: '*',
}
const CALL: JsonObject = {
  type: 'scheduleDeviceMethod',
  cloudToDeviceMethod: { methodName: 'reboot', responseTimeoutInSeconds: 15 },
  queryCondition: "deviceId = 'd1'",
}
const read = (body: JsonObject, jobId = 'j1') => readJobRequest(jobId, body, NOW_MS)

test('an update: what to merge, the time now, an hour to do it', () => {
  assert.deepEqual(read({ ...UPDATE, startTime: '' }), {
    jobId: 'j1',
    work: {
      type: 'scheduleUpdateTwin',
      write: { tags: { site: 'A' }, desired: { a: null } },
    },
    queryCondition: '*',
    startTimeMs: NOW_MS,
    maxExecutionMs: 3_600_000,
  })
})

test('a method: defaults of a direct call; a start in the past is now', () => {
  const request = read({ ...CALL, startTime: '2020-01-01T00:00:00', maxExecutionTimeInSeconds: 9 })
  assert.deepEqual(request.work, {
    type: 'scheduleDeviceMethod',
    call: { name: 'reboot', payload: null, responseTimeoutMs: 15_000, connectTimeoutMs: 0 },
  })
  assert.deepEqual([request.startTimeMs, request.maxExecutionMs], [NOW_MS, 9000])
})

test('what is wrong is named', () => {
  const twin = (updateTwin: JsonObject) => ({ ...UPDATE, updateTwin })
  const wrong: readonly (readonly [JsonObject, RegExp])[] = [
    [{ ...UPDATE, type: 'scheduleTwinUpdate' }, /type must be scheduleUpdateTwin/],
    [{ ...UPDATE, jobId: 'j2' }, /the same in the path and in the body/],
    [twin({ etag: 'AAAA', tags: {} }), /etag must be '\*'/],
    [twin({ etag: '*' }), /nothing to do/],
    [twin({ etag: '*', tags: [] }), /updateTwin.tags must be an object/],
    [twin({ etag: '*', tags: { x: 'y'.repeat(70_000) } }), /65536 bytes/],
    [{ ...UPDATE, queryCondition: ' ' }, /queryCondition/],
    [{ ...UPDATE, startTime: 'soon' }, /startTime must be a time/],
    [{ ...UPDATE, startTime: '2026-01-08T00:00:01Z' }, /168 hours/],
    [{ ...UPDATE, maxExecutionTimeInSeconds: 0 }, /maxExecutionTimeInSeconds/],
    [{ ...UPDATE, maxExecutionTimeInSeconds: '5' }, /maxExecutionTimeInSeconds/],
    [{ ...CALL, cloudToDeviceMethod: {} }, /methodName/],
    [
      { ...CALL, cloudToDeviceMethod: { methodName: 'a', responseTimeoutInSeconds: 1 } },
      /responseTimeoutInSeconds/,
    ],
  ]
  for (const [body, message] of wrong) assert.throws(() => read(body), { message })
  for (const jobId of ['J1', 'a b', '', 'x'.repeat(65), 'a/b']) {
    assert.throws(() => read(UPDATE, jobId), /jobId/)
  }
  for (const jobId of ["it's-1", 'x'.repeat(64)]) assert.equal(read(UPDATE, jobId).jobId, jobId)
})
