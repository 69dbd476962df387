import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from './api-client.ts'
import {
  apiOf,
  CommandError,
  type Context,
  type Input,
  nextCommand,
  UsageError,
} from './command.ts'
import { isOver, type JobView, jobPath, progressOf } from './job.ts'

/** How often the server is asked how far a job is. */
const POLL_MS = 500

/** What the two kinds of jobs differ in. */
export interface JobWork {
  readonly type: 'scheduleUpdateTwin' | 'scheduleDeviceMethod'
  readonly updateTwin?: object
  readonly cloudToDeviceMethod?: object
}

/** Schedules a job as the options say and, with --wait, follows it to its end. */
export async function scheduleJob(input: Input, context: Context, work: JobWork): Promise<void> {
  const { out } = context
  const jobId = input.text('id') ?? `job-${randomBytes(4).toString('hex')}`
  const at = input.text('at')
  const body = {
    jobId,
    ...work,
    queryCondition: conditionOf(input),
    maxExecutionTimeInSeconds: input.integer('within') ?? 3600,
    ...(at !== undefined && { startTime: at }),
  }
  const api = apiOf(input, context)
  const job = await api.put<JobView>(jobPath(jobId), body)
  if (!input.isSet('wait')) {
    if (out.isJson) return out.json(job)
    out.print(`Job ${jobId} is ${job.status}.`)
    out.note(`Follow it: ${nextCommand(input, context, `job show ${jobId}`)}`)
    return
  }
  const ended = await follow(api, jobId, (text) => out.note(text))
  if (out.isJson) out.json(ended)
  else out.print(`Job ${jobId} ${ended.status}: ${progressOf(ended)}.`)
  if (ended.status !== 'completed') {
    throw new CommandError(ended.failureReason || `The job was ${ended.status}.`)
  }
  const failed = ended.deviceJobStatistics?.failedCount ?? 0
  if (failed > 0) {
    const next = nextCommand(input, context, `job results ${jobId} --failed`)
    throw new CommandError(`${failed} failed. Which, and why: ${next}`)
  }
}

async function follow(api: Api, jobId: string, note: (text: string) => void): Promise<JobView> {
  let told = ''
  for (;;) {
    const job = await api.get<JobView>(jobPath(jobId))
    if (isOver(job)) return job
    const text = `${job.status}: ${progressOf(job)}`
    if (text !== told) note(text)
    told = text
    await sleep(POLL_MS)
  }
}

function conditionOf(input: Input): string {
  const where = input.text('where')
  const module = input.text('modules')
  if (where === undefined) {
    throw new UsageError("Say which devices: --where CONDITION, or --where '*' for all.")
  }
  if (module === undefined) return where
  const ofModule = `moduleId = '${module.replaceAll("'", "\\'")}'`
  return `FROM devices.modules WHERE ${ofModule}${where === '*' ? '' : ` AND (${where})`}`
}
