import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { benchmarkOfSet } from '../baseline/custom/custom-check-sets.ts'
import type { CheckSet } from '../baseline/custom/custom-check-store.ts'
import type { CustomChecks } from '../baseline/custom/custom-checks.ts'
import { MAX_XML_CHARACTERS } from '../baseline/custom/read-xml.ts'
import { CustomChecksSchema } from '../baseline/custom/schema.ts'
import type { SecurityService } from '../security.ts'
import type { ApiGuard } from './guard.ts'
import { formatTime, PAGE_PARAMETERS, type PageQuery, readPage } from './query.ts'

const PATH = '/api/security/baseline/custom-checks'
/** An XML file as a JSON text is longer than by itself. */
const MAX_BODY_BYTES = 2 * MAX_XML_CHARACTERS
/** What a hash names never changes. */
const MAX_AGE_SECONDS = 365 * 24 * 3_600

const Import = Type.Object(
  {
    xml: Type.Optional(
      Type.String({ maxLength: MAX_XML_CHARACTERS, description: "A file in the vendor's format" }),
    ),
    document: Type.Optional(CustomChecksSchema),
  },
  { additionalProperties: false },
)
const Params = Type.Object({
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of the content' }),
})

/** `/api/security/baseline/custom-checks`: operators' own checks (security 06 §3). */
export function customCheckRoutes(
  app: FastifyInstance,
  { security, guard }: { readonly security: SecurityService; readonly guard: ApiGuard },
): void {
  const { customChecks } = security
  const tags = ['security']

  app.get<{ Querystring: PageQuery }>(
    PATH,
    {
      schema: {
        tags,
        summary: 'List sets of custom checks, by hash',
        querystring: Type.Object(PAGE_PARAMETERS),
      },
    },
    async ({ query }) => {
      const { items, continuationToken } = await customChecks.list(readPage(query))
      return { items: items.map(checkSetView), continuationToken }
    },
  )

  app.post<{ Body: Static<typeof Import> }>(
    PATH,
    {
      schema: { tags, summary: 'Import custom checks, from XML or as a document', body: Import },
      bodyLimit: MAX_BODY_BYTES,
    },
    async (request, reply) => {
      const { xml, document } = request.body
      if ((xml === undefined) === (document === undefined)) {
        throw new HubError('ArgumentInvalid', 'Give either xml or document.')
      }
      const by = guard.caller(request)
      const { set, warnings } = await (xml === undefined
        ? customChecks.importDocument(document as CustomChecks, by)
        : customChecks.importXml(xml, by))
      return reply.code(201).send({ ...checkSetView(set), warnings })
    },
  )

  app.delete<{ Params: Static<typeof Params> }>(
    `${PATH}/:sha256`,
    { schema: { tags, summary: 'Forget custom checks', params: Params } },
    async ({ params }, reply) => {
      await customChecks.remove(params.sha256)
      return reply.code(204).send()
    },
  )
}

/**
 * The link by which agents get their checks. Whoever knows the hash has it from the twin of an agent
 * or from an operator, and the content holds no secret, so nobody is asked for credentials. A plugin
 * of the HTTPS server.
 */
export async function customCheckDownload(
  app: FastifyInstance,
  { security }: { readonly security: SecurityService },
): Promise<void> {
  app.get<{ Params: Static<typeof Params> }>(
    `${PATH}/:sha256`,
    {
      schema: {
        tags: ['security'],
        summary: 'Custom checks by hash',
        params: Params,
        security: [],
      },
    },
    async ({ params: { sha256 } }, reply) => {
      const content = await security.customChecks.content(sha256)
      reply.header('etag', `"${sha256}"`)
      reply.header('cache-control', `public, max-age=${MAX_AGE_SECONDS}, immutable`)
      return reply.type('application/json; charset=utf-8').send(content)
    },
  )
}

function checkSetView({ addedMs, ...set }: CheckSet): object {
  return {
    ...set,
    addedUtc: formatTime(addedMs),
    benchmark: benchmarkOfSet(set.sha256),
    path: `${PATH}/${set.sha256}`,
  }
}
