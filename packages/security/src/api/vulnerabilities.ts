import type { JsonValue } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import {
  MAX_IMPORT,
  MAX_SOURCE_CHARACTERS,
} from '../recommendations/vulnerabilities/vulnerabilities.ts'
import type { StoredVulnerability } from '../recommendations/vulnerabilities/vulnerability-store.ts'
import type { SecurityService } from '../security.ts'
import type { ApiGuard } from './guard.ts'
import {
  defined,
  formatTime,
  optionalText,
  PAGE_PARAMETERS,
  type PageQuery,
  readPage,
} from './query.ts'

const Import = Type.Object(
  {
    source: Type.Optional(
      Type.String({ maxLength: MAX_SOURCE_CHARACTERS, description: 'The feed they come from' }),
    ),
    items: Type.Array(Type.Unknown(), {
      minItems: 1,
      maxItems: MAX_IMPORT,
      description: 'Entries of the OSV format',
    }),
  },
  { additionalProperties: false },
)
const Params = Type.Object({ id: Type.String({ description: 'Such as DEBIAN-CVE-2024-3094' }) })
type Id = { Params: Static<typeof Params> }

interface VulnerabilityQuery extends PageQuery {
  readonly source?: string
}

interface Options {
  readonly security: SecurityService
  readonly guard: ApiGuard
}

const ROUTE = '/api/security/vulnerabilities'
const tags = ['security']

/** `/api/security/vulnerabilities`: feeds that operators import; nothing is fetched from outside. */
export function vulnerabilityRoutes(app: FastifyInstance, options: Options): void {
  const { security, guard } = options
  const { vulnerabilities } = security
  const querystring = Type.Object({
    source: optionalText('The feed they come from'),
    ...PAGE_PARAMETERS,
  })

  app.get<{ Querystring: VulnerabilityQuery }>(
    ROUTE,
    { schema: { tags, summary: 'List imported vulnerabilities', querystring } },
    async ({ query }) => {
      const page = await vulnerabilities.list({
        ...readPage(query),
        ...defined({ source: query.source }),
      })
      return { items: page.items.map(vulnerabilityView), continuationToken: page.continuationToken }
    },
  )

  app.post<{ Body: Static<typeof Import> }>(
    ROUTE,
    { schema: { tags, summary: 'Import entries of the OSV format, all or none', body: Import } },
    async (request) => {
      const { items, source = '' } = request.body
      const by = guard.caller(request)
      return { imported: await vulnerabilities.import(items as JsonValue[], { source, by }) }
    },
  )

  app.delete<{ Querystring: { source: string } }>(
    ROUTE,
    {
      schema: {
        tags,
        summary: 'Forget all vulnerabilities of one feed',
        querystring: Type.Object({ source: Type.String({ description: 'The feed' }) }),
      },
    },
    async ({ query }, reply) => {
      await vulnerabilities.remove({ source: query.source })
      return reply.code(204).send()
    },
  )

  oneVulnerabilityRoutes(app, options)
}

function oneVulnerabilityRoutes(app: FastifyInstance, { security }: Options): void {
  const { vulnerabilities } = security

  app.get<Id>(
    `${ROUTE}/:id`,
    { schema: { tags, summary: 'Get a vulnerability', params: Params } },
    async ({ params }) => vulnerabilityView(await vulnerabilities.find(params.id)),
  )

  app.delete<Id>(
    `${ROUTE}/:id`,
    { schema: { tags, summary: 'Forget a vulnerability', params: Params } },
    async ({ params }, reply) => {
      await vulnerabilities.remove({ id: params.id })
      return reply.code(204).send()
    },
  )
}

function vulnerabilityView({ changedMs, ...rest }: StoredVulnerability): object {
  return { ...rest, changedUtc: formatTime(changedMs) }
}
