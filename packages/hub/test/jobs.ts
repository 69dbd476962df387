import type { JsonObject } from '@twinward/protocol'
import { MemoryJobs } from '../src/adapters/memory/jobs.ts'
import type { JobRunPorts } from '../src/jobs/job-run.ts'
import { Jobs } from '../src/jobs/jobs.ts'
import { silentLog } from '../src/log.ts'
import { TestClock } from './clock.ts'
import { makeHub } from './hub.ts'

export const HOUR_MS = 3_600_000

export function setUp(change: Partial<JobRunPorts> = {}) {
  const clock = new TestClock()
  const hub = makeHub({ clock })
  const store = new MemoryJobs()
  const ports: JobRunPorts = {
    ...{ store, queries: hub.queries, twins: hub.twins, methods: hub.methods },
    ...{ clock, log: silentLog },
    ...change,
  }
  const jobs = new Jobs(ports)
  const tagsOf = async (deviceId: string) => (await hub.twins.get({ deviceId })).twin.tags
  const isOver = (jobId: string) => async () => {
    const { status } = (await jobs.find(jobId))?.job ?? {}
    return status === 'completed' || status === 'failed'
  }
  return { clock, hub, store, ports, jobs, tagsOf, isOver }
}

export const update = (
  queryCondition: string,
  updateTwin: JsonObject = { tags: { site: 'A' } },
) => ({
  type: 'scheduleUpdateTwin',
  updateTwin: { etag: '*', ...updateTwin },
  queryCondition,
})
export const call = (queryCondition: string): JsonObject => ({
  type: 'scheduleDeviceMethod',
  cloudToDeviceMethod: { methodName: 'reboot', payload: 1, responseTimeoutInSeconds: 5 },
  queryCondition,
})
