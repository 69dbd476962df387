import { HubError, type JsonObject } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../../hub.ts'
import type { Enrollment, EnrollmentKind } from '../../../provisioning/enrollment.ts'
import { enrollmentView } from './enrollment-view.ts'
import { enrollmentRights } from './enrollments.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000
const KINDS: readonly EnrollmentKind[] = ['group', 'individual']

const ListQuery = Type.Object({
  limit: Type.Optional(Type.String()),
  continuationToken: Type.Optional(Type.String()),
})

interface Place {
  readonly kind: EnrollmentKind
  readonly after: string
}

/** `/api/provisioning`: what a device must be told to register here, and who may. */
export function ownProvisioningRoutes(app: FastifyInstance, hub: Hub): void {
  const { registrations } = hub.provisioning
  const { read } = enrollmentRights(hub)
  const tags = ['provisioning']

  app.get(
    '/api/provisioning',
    { onRequest: read, schema: { tags, summary: 'Get the id scope and host of registrations' } },
    async () => ({ idScope: registrations.idScope, hostName: hub.hostNames.primary }),
  )

  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/api/provisioning/enrollments',
    {
      onRequest: read,
      schema: { tags, summary: 'List groups, then individuals', querystring: ListQuery },
    },
    async ({ query }) => listEnrollments(hub, readLimit(query.limit), query.continuationToken),
  )
}

async function listEnrollments(
  hub: Hub,
  limit: number,
  token: string | undefined,
): Promise<JsonObject> {
  const { kind: first, after } =
    token === undefined ? { kind: KINDS[0], after: '' } : readToken(token)
  const found: Enrollment[] = []
  for (const kind of KINDS.slice(first === 'individual' ? 1 : 0)) {
    const start = kind === first ? after : ''
    // One more than fits says that there is another page.
    const wanted = limit + 1 - found.length
    if (wanted > 0) found.push(...(await hub.provisioning.enrollments.list(kind, wanted, start)))
  }
  const items = found.slice(0, limit)
  const last = items.at(-1)
  const isLast = found.length <= limit || !last
  return {
    items: items.map((enrollment) => enrollmentView(enrollment)),
    continuationToken: isLast ? null : formatToken({ kind: last.kind, after: last.id }),
  }
}

function formatToken({ kind, after }: Place): string {
  return Buffer.from(`${kind}/${after}`).toString('base64url')
}

function readToken(token: string): Place {
  const [kind, after, ...rest] = Buffer.from(token, 'base64url').toString().split('/')
  const known = KINDS.find((name) => name === kind)
  if (known && after !== undefined && rest.length === 0) return { kind: known, after }
  throw new HubError('ArgumentInvalid', 'continuationToken is not one that was given.')
}

function readLimit(text: string | undefined): number {
  const limit = text === undefined ? DEFAULT_LIMIT : Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new HubError('ArgumentInvalid', `limit must be a whole number from 1 to ${MAX_LIMIT}.`)
}
