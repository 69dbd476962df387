import { createHash } from 'node:crypto'
import {
  type ConfigurationKeys,
  configurationSchema,
  ERAS,
  type JsonObject,
} from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { CustomChecksSchema } from '../baseline/custom/schema.ts'

/** A JSON Schema that is published. */
export interface SchemaDocument {
  /** Below `/schemas/`, such as `agent-configuration/legacy-desired.json`. */
  readonly path: string
  /** One line for the index. */
  readonly title: string
  readonly document: JsonObject
}

/** How long caches may keep one; a new version of the program may bring another. */
const MAX_AGE_SECONDS = 3_600
const SCHEMA_TYPE = 'application/schema+json; charset=utf-8'

/** What agents of each era are configured with, and what they report. */
export function configurationSchemas(keys: ConfigurationKeys = {}): readonly SchemaDocument[] {
  return ERAS.flatMap((era) =>
    (['desired', 'reported'] as const).map((section) => ({
      path: `agent-configuration/${era}-${section}.json`,
      title: `${section} properties of a security module, era ${era}`,
      document: configurationSchema(
        era,
        section,
        schemaId(`agent-configuration:${era}-${section}`),
        keys,
      ),
    })),
  )
}

/** Custom checks of the baseline, as they are imported and as agents get them. */
export function baselineSchemas(): readonly SchemaDocument[] {
  const title = 'custom checks of the baseline'
  const schema = JSON.parse(JSON.stringify(CustomChecksSchema)) as JsonObject
  const $id = schemaId('baseline:custom-checks')
  const $schema = 'https://json-schema.org/draft/2020-12/schema'
  const document = { $schema, $id, title, ...schema }
  return [{ path: 'baseline/custom-checks.json', title, document }]
}

/** The `$id` of a schema: a name that does not depend on where it is published. */
export function schemaId(name: string): string {
  return `urn:twinward:schema:${name}`
}

/** `/schemas/` and every schema below it: public, and made once. A plugin of the HTTPS server. */
export async function schemaRoutes(
  app: FastifyInstance,
  { documents }: { readonly documents: readonly SchemaDocument[] },
): Promise<void> {
  const index = documents.map(({ path, title, document }) => ({
    title,
    path: `/schemas/${path}`,
    $id: document.$id ?? null,
  }))
  publish(app, '/schemas/', 'The JSON Schemas that are published', { schemas: index })
  for (const { path, title, document } of documents) {
    publish(app, `/schemas/${path}`, `JSON Schema: ${title}`, document, SCHEMA_TYPE)
  }
}

function publish(
  app: FastifyInstance,
  url: string,
  summary: string,
  content: JsonObject,
  type = 'application/json; charset=utf-8',
): void {
  const text = JSON.stringify(content)
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`
  app.get(url, { schema: { tags: ['schemas'], summary, security: [] } }, (request, reply) => {
    reply.header('etag', etag).header('cache-control', `public, max-age=${MAX_AGE_SECONDS}`)
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    return reply.type(type).send(text)
  })
}
