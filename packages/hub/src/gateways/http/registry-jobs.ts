import { HubError, type JsonObject } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import type { RegistryJob } from '../../registry/registry-job.ts'
import { type JobRequest, readJobType } from '../../registry/registry-job-run.ts'
import { formatTime } from '../../twins/view.ts'
import { authorize, authorOf } from './authorize.ts'

/** Names of files when the request has none (01 §7). */
const DEVICES_NAME = 'devices.txt'
const CONFIGURATIONS_NAME = 'configurations.txt'

const NullableString = Type.Union([Type.String(), Type.Null()])
const NullableBoolean = Type.Union([Type.Boolean(), Type.Null()])
const JobParams = Type.Object({ jobId: Type.String() })
const JobBody = Type.Object({
  type: Type.String(),
  inputBlobContainerUri: Type.Optional(NullableString),
  outputBlobContainerUri: Type.Optional(NullableString),
  inputBlobName: Type.Optional(NullableString),
  outputBlobName: Type.Optional(NullableString),
  excludeKeysInExport: Type.Optional(NullableBoolean),
  includeConfigurations: Type.Optional(NullableBoolean),
  configurationsBlobName: Type.Optional(NullableString),
})

interface JobRoute {
  Params: Static<typeof JobParams>
}

/** `/jobs/create`, `/jobs`, `/jobs/{id}`: import and export of the registry (01 §7). */
export function registryJobRoutes(app: FastifyInstance, hub: Hub): void {
  const { registryJobs } = hub
  const read = authorize(hub.authenticator, 'RegistryRead')
  const write = authorize(hub.authenticator, 'RegistryWrite')
  const tags = ['registry jobs']

  app.post<{ Body: Static<typeof JobBody> }>(
    '/jobs/create',
    { onRequest: write, schema: { tags, summary: 'Import or export devices', body: JobBody } },
    async (request) => {
      const author = authorOf(request)
      const job = { ...readRequest(request.body), ...(author && { author }) }
      return jobView(await registryJobs.create(job))
    },
  )

  app.get(
    '/jobs',
    { onRequest: read, schema: { tags, summary: 'List import and export jobs' } },
    async () => (await registryJobs.list()).map(jobView),
  )

  app.get<JobRoute>(
    '/jobs/:jobId',
    { onRequest: read, schema: { tags, summary: 'Get a job', params: JobParams } },
    async (request) => jobView(await registryJobs.get(request.params.jobId)),
  )

  app.delete<JobRoute>(
    '/jobs/:jobId',
    { onRequest: write, schema: { tags, summary: 'Cancel a job', params: JobParams } },
    async (request) => jobView(await registryJobs.cancel(request.params.jobId)),
  )
}

function readRequest(body: Static<typeof JobBody>): JobRequest {
  const type = readJobType(body.type)
  const { inputBlobContainerUri, outputBlobContainerUri } = body
  if (!outputBlobContainerUri) throw missing('outputBlobContainerUri')
  if (type === 'import' && !inputBlobContainerUri) throw missing('inputBlobContainerUri')
  return {
    type,
    inputContainerUri: inputBlobContainerUri ?? '',
    outputContainerUri: outputBlobContainerUri,
    inputName: body.inputBlobName || DEVICES_NAME,
    outputName: body.outputBlobName || DEVICES_NAME,
    excludeKeys: body.excludeKeysInExport ?? false,
    ...(body.includeConfigurations && {
      configurationsName: body.configurationsBlobName || CONFIGURATIONS_NAME,
    }),
  }
}

function missing(member: string): HubError {
  return new HubError('BlobContainerValidationError', `${member} is missing.`)
}

/** IoT Hub shows no container's URL again: it may hold a signature. */
function jobView(job: RegistryJob): JsonObject {
  return {
    jobId: job.jobId,
    type: job.type,
    status: job.status,
    progress: job.progress,
    startTimeUtc: formatTime(job.startTimeMs),
    endTimeUtc: job.endTimeMs === null ? null : formatTime(job.endTimeMs),
    inputBlobContainerUri: '',
    outputBlobContainerUri: '',
    excludeKeysInExport: job.excludeKeysInExport,
    failureReason: job.failureReason,
  }
}
