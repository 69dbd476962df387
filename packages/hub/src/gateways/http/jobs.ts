import { HubError, type JsonObject } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import type { JobStatus, JobType } from '../../jobs/job.ts'
import { jobView, unknownJobView } from '../../jobs/job-view.ts'
import { authorize, authorOf } from './authorize.ts'
import { headerOf, maxItemsOf } from './paging.ts'

const TYPES: readonly JobType[] = ['scheduleUpdateTwin', 'scheduleDeviceMethod']
const STATUSES: readonly JobStatus[] = [
  ...(['queued', 'scheduled', 'running'] as const),
  ...(['completed', 'failed', 'cancelled'] as const),
]
/** Jobs of one page. */
const MAX_PAGE_JOBS = 100

const JobParams = Type.Object({ id: Type.String() })
const JobBody = Type.Object({}, { additionalProperties: true })
const JobQuery = Type.Object({
  jobType: Type.Optional(Type.String({ description: TYPES.join(', ') })),
  jobStatus: Type.Optional(Type.String({ description: STATUSES.join(', ') })),
})

interface JobRoute {
  Params: Static<typeof JobParams>
}

/** `/jobs/v2`: scheduled jobs (08 §1). */
export function jobRoutes(app: FastifyInstance, hub: Hub): void {
  const { jobs } = hub
  const read = authorize(hub.authenticator, 'RegistryRead', 'ServiceConnect')
  const write = authorize(hub.authenticator, 'RegistryWrite', 'ServiceConnect')
  const tags = ['jobs']

  app.put<JobRoute & { Body: JsonObject }>(
    '/jobs/v2/:id',
    {
      onRequest: write,
      schema: {
        tags,
        summary: 'Schedule an update of twins or a direct method',
        params: JobParams,
        body: JobBody,
      },
    },
    async (request) => {
      const { jobId, work, status } = await jobs.create(
        request.params.id,
        request.body,
        authorOf(request),
      )
      return { jobId, type: work.type, status }
    },
  )

  app.get<{ Querystring: Static<typeof JobQuery> }>(
    '/jobs/v2/query',
    { onRequest: read, schema: { tags, summary: 'List scheduled jobs', querystring: JobQuery } },
    async (request, reply) => {
      const { jobType, jobStatus } = request.query
      const type = readWord('jobType', jobType, TYPES)
      const status = readWord('jobStatus', jobStatus, STATUSES)
      const after = headerOf(request, 'x-ms-continuation')
      const page = await jobs.list({
        limit: Math.min(maxItemsOf(request) ?? MAX_PAGE_JOBS, MAX_PAGE_JOBS),
        ...(type && { type }),
        ...(status && { status }),
        ...(after !== undefined && { after }),
      })
      reply.header('x-ms-item-type', 'JobResponse')
      if (page.next !== undefined) reply.header('x-ms-continuation', page.next)
      return page.jobs.map(jobView)
    },
  )

  app.get<JobRoute>(
    '/jobs/v2/:id',
    { onRequest: read, schema: { tags, summary: 'Get a scheduled job', params: JobParams } },
    async ({ params }) => {
      const state = await jobs.find(params.id)
      return state ? jobView(state) : unknownJobView(params.id)
    },
  )

  app.post<JobRoute>(
    '/jobs/v2/:id/cancel',
    { onRequest: write, schema: { tags, summary: 'Cancel a scheduled job', params: JobParams } },
    async ({ params }) => jobView(await jobs.cancel(params.id)),
  )
}

/** Empty, as some clients send it, is no filter. */
function readWord<T extends string>(
  name: string,
  text: string | undefined,
  words: readonly T[],
): T | undefined {
  if (text === undefined || text === '') return undefined
  const word = words.find((each) => each.toLowerCase() === text.toLowerCase())
  if (word === undefined) {
    throw new HubError('ArgumentInvalid', `${name} must be one of ${words.join(', ')}.`)
  }
  return word
}
