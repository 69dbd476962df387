import { HubError, hubErrors, toHubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Hub } from '../../../hub.ts'
import { writeOf } from './enrollment-view.ts'
import { enrollmentRights } from './enrollments.ts'
import { BulkBody, EnrollmentBody } from './schemas.ts'

type Entry = Static<typeof BulkBody>['enrollments'][number]

const MODES = ['create', 'update', 'updateIfMatchETag', 'delete'] as const
type Mode = (typeof MODES)[number]

const validator = Compile(EnrollmentBody)

/** `POST /enrollments`: several individual enrolments, each done or refused on its own. */
export function bulkEnrollmentRoute(app: FastifyInstance, hub: Hub): void {
  app.post<{ Body: Static<typeof BulkBody> }>(
    '/enrollments',
    {
      onRequest: enrollmentRights(hub).write,
      schema: {
        tags: ['provisioning'],
        summary: 'Create, update or delete enrollments (individual)',
        body: BulkBody,
      },
    },
    async ({ body }) => {
      const mode = readMode(body.mode)
      const errors = []
      // One after the other: a list may name an id twice.
      for (const entry of body.enrollments) {
        const error = await apply(hub, mode, entry)
        if (!error) continue
        const { registrationId } = entry
        const errorCode = hubErrors[error.code].number
        errors.push({ registrationId, errorCode, errorStatus: error.message })
      }
      return { isSuccessful: errors.length === 0, errors }
    },
  )
}

/** @returns why it was refused */
async function apply(hub: Hub, mode: Mode, entry: Entry): Promise<HubError | undefined> {
  const { enrollments } = hub.provisioning
  const { etag } = entry
  const name = { kind: 'individual', id: entry.registrationId } as const
  try {
    if (mode === 'delete') {
      await enrollments.remove(name.kind, name.id, undefined)
      return undefined
    }
    if (!validator.Check(entry)) {
      const [first] = validator.Errors(entry)
      const where = first?.instancePath.slice(1).replaceAll('/', '.') ?? 'the entry'
      throw new HubError('ArgumentInvalid', `${where} ${first?.message ?? 'is not valid'}.`)
    }
    if (mode === 'updateIfMatchETag' && !etag) {
      throw new HubError('PreconditionFailed', 'updateIfMatchETag needs an etag.')
    }
    const anyOne = mode === 'create' ? undefined : '*'
    const condition = mode === 'updateIfMatchETag' ? (etag ?? undefined) : anyOne
    await enrollments.put(name, writeOf(entry), condition)
    return undefined
  } catch (thrown) {
    const error = toHubError(thrown)
    // A lost store or a bug is no answer to one entry.
    if (hubErrors[error.code].status >= 500) throw thrown
    return error
  }
}

function readMode(text: string): Mode {
  const mode = MODES.find((known) => known.toLowerCase() === text.toLowerCase())
  if (mode) return mode
  throw new HubError('ArgumentInvalid', `mode must be one of ${MODES.join(', ')}.`)
}
