import type { JsonObject } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import type { EntryFailure } from '../../registry/bulk.ts'
import { ImportEntryShape, readImportEntry } from '../../registry/import-entry.ts'
import { authorize, authorOf } from './authorize.ts'

const BulkBody = Type.Array(ImportEntryShape)

/** `POST /devices`: many identities in one call, each by itself (01 §5). */
export function bulkRoutes(app: FastifyInstance, hub: Hub): void {
  app.post<{ Body: Static<typeof BulkBody> }>(
    '/devices',
    {
      onRequest: authorize(hub.authenticator, 'RegistryWrite'),
      schema: {
        tags: ['devices'],
        summary: 'Create, update and delete up to 100 devices and modules, and their twins',
        body: BulkBody,
      },
    },
    async (request, reply) => {
      const bulk = hub.bulk.as(authorOf(request))
      const failures = await bulk.run(request.body.map(readImportEntry))
      if (failures.length > 0) reply.code(400)
      return {
        isSuccessful: failures.length === 0,
        errors: failures.map(failureView),
        warnings: [],
      }
    },
  )
}

function failureView({ entry: { ref, mode }, error }: EntryFailure): JsonObject {
  return {
    deviceId: ref.deviceId,
    errorCode: error.code,
    errorStatus: error.message,
    moduleId: ref.moduleId ?? null,
    operation: mode,
  }
}
