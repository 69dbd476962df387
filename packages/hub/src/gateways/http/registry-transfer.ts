import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { JsonObject } from '@twinward/protocol'
import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import { logLine } from '../../registry/registry-job-run.ts'
import type { ImportReport } from '../../registry/registry-transfer.ts'
import { authorize, authorOf } from './authorize.ts'

const ExportQuery = Type.Object({ excludeKeys: Type.Optional(Type.String()) })
const ImportQuery = Type.Object({ firstLine: Type.Optional(Type.String()) })

/**
 * `/api/registry/export` and `/api/registry/import`: the registry as a stream of lines of JSON, one
 * identity each. A plugin of its own, because its bodies are not JSON.
 */
export async function registryTransferRoutes(
  app: FastifyInstance,
  { hub }: { hub: Hub },
): Promise<void> {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  const { authenticator } = hub
  const twins = authorize(authenticator, 'ServiceConnect')
  const tags = ['registry']

  app.get<{ Querystring: Static<typeof ExportQuery> }>(
    '/api/registry/export',
    {
      onRequest: [authorize(authenticator, 'RegistryRead'), twins],
      schema: { tags, summary: 'Every identity with its twin', querystring: ExportQuery },
    },
    (request, reply) => {
      const lines = hub.registryTransfer.export(readFlag(request.query.excludeKeys))
      reply.type('application/x-ndjson; charset=utf-8')
      return reply.send(Readable.from(lines, { objectMode: false, highWaterMark: 1 }))
    },
  )

  app.post<{ Querystring: Static<typeof ImportQuery>; Body: IncomingMessage | undefined }>(
    '/api/registry/import',
    {
      onRequest: [authorize(authenticator, 'RegistryWrite'), twins],
      schema: { tags, summary: 'Create and update identities', querystring: ImportQuery },
    },
    async (request) => {
      const chunks = request.body ?? Readable.from([])
      const firstLine = readFirstLine(request.query.firstLine)
      const author = authorOf(request)
      return reportView(await hub.registryTransfer.import({ chunks, firstLine }, author))
    },
  )
}

function reportView({ lines, failed, failures }: ImportReport): JsonObject {
  return {
    lines,
    succeeded: lines - failed,
    failed,
    errors: failures.map(logLine),
    errorsOmitted: failed - failures.length,
  }
}

function readFlag(text: string | undefined): boolean {
  if (text === undefined || text === 'false') return false
  if (text === '' || text === 'true') return true
  throw new HubError('ArgumentInvalid', "excludeKeys must be 'true' or 'false'.")
}

/** A file that comes in parts counts its lines on. */
function readFirstLine(text: string | undefined): number {
  if (text === undefined) return 1
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new HubError('ArgumentInvalid', 'firstLine must be a whole number from 1 on.')
}
