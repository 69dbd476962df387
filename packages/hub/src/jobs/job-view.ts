import type { JsonObject, JsonValue } from '@twinward/protocol'
import { formatTime } from '../twins/view.ts'
import type { JobTarget, JobWork } from './job.ts'
import type { JobState } from './jobs.ts'

/** A job as the service API shows it (08 §1.2). */
export function jobView({ job, statistics }: JobState): JsonObject {
  return {
    jobId: job.jobId,
    createdTime: formatTime(job.createdTimeMs),
    startTime: formatTime(job.startTimeMs),
    ...(job.endTimeMs !== null && { endTime: formatTime(job.endTimeMs) }),
    maxExecutionTimeInSeconds: Math.ceil(job.maxExecutionMs / 1000),
    type: job.work.type,
    status: job.status,
    queryCondition: job.queryCondition,
    ...workView(job.work),
    failureReason: job.failureReason,
    statusMessage: job.failureReason,
    deviceJobStatistics: { ...statistics },
  }
}

/** What the hub answers for an id that it does not know (08 §1.2). */
export function unknownJobView(jobId: string): JsonObject {
  return { jobId, type: 'unknown', status: 'unknown' }
}

function workView(work: JobWork): JsonObject {
  if (work.type === 'scheduleUpdateTwin') {
    const { tags, desired } = work.write
    return {
      updateTwin: {
        deviceId: null,
        etag: '*',
        ...(tags && { tags }),
        ...(desired && { properties: { desired } }),
      },
    }
  }
  const { name, payload, responseTimeoutMs, connectTimeoutMs } = work.call
  return {
    cloudToDeviceMethod: {
      methodName: name,
      payload,
      responseTimeoutInSeconds: responseTimeoutMs / 1000,
      connectTimeoutInSeconds: connectTimeoutMs / 1000,
    },
  }
}

/** What a job did with one device or module (08 §1.4), as JSON text: an answer keeps all its digits. */
export function targetText(target: JobTarget): string {
  const { ref, jobId, jobType, status, error, answer = 'null' } = target
  const head: JsonObject = { ...ref, jobId, jobType, status }
  const times: JsonObject = {
    ...(target.startTimeMs > 0 && { startTimeUtc: formatTime(target.startTimeMs) }),
    ...(target.endTimeMs > 0 && { endTimeUtc: formatTime(target.endTimeMs) }),
    createdDateTimeUtc: formatTime(target.createdTimeMs),
    lastUpdatedDateTimeUtc: formatTime(target.updatedTimeMs),
  }
  const members = JSON.stringify({ ...head, ...times, ...(error && { error }) }).slice(1, -1)
  const outcome = status === 'completed' ? `,"outcome":{"deviceMethodResponse":${answer}}` : ''
  return `{${members}${outcome}}`
}

/** The same as a document that conditions read. */
export function targetDocument(target: JobTarget): JsonObject {
  return JSON.parse(targetText(target)) as { [name: string]: JsonValue }
}
