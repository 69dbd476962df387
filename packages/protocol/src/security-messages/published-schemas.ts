import type { JsonObject } from '../json.ts'
import { eventKinds } from './catalogue.ts'
import {
  SecurityEnvelope,
  SecurityEventHeader,
  type SecurityMessageSchema,
  SecurityMessageSchemas,
} from './envelope.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** A JSON Schema document for others. */
export interface PublishedSchema {
  /** `security-messages/2.0.json`, `security-messages/2.0/Process.json` */
  readonly path: string
  readonly title: string
  readonly document: JsonObject
}

/**
 * The schemas of security messages as documents for others to use: one for each version of the
 * message, and one for each event's payload elements, to which the first refers. They are what messages
 * are judged by; so they allow the deviations that are tolerated. Format assertion must be on for
 * `ipv4` and `ipv6`.
 */
export function publishedSecuritySchemas(): readonly PublishedSchema[] {
  return SecurityMessageSchemas.flatMap((schema) => [
    {
      path: `security-messages/${schema}.json`,
      title: `Security message of schema ${schema}`,
      document: messageSchema(schema),
    },
    ...Array.from(eventKinds(schema), ([name, { element }]) => {
      const title = `One payload element of the event ${name} in messages of schema ${schema}`
      const head = { $schema: DIALECT, $id: idOf(schema, name), title }
      const path = `security-messages/${schema}/${name}.json`
      return { path, title, document: { ...head, ...plain(element) } }
    }),
  ])
}

/** A name that does not depend on where it is published. */
function idOf(schema: SecurityMessageSchema, name?: string): string {
  return `urn:twinward:schema:security-messages:${schema}${name === undefined ? '' : `:${name}`}`
}

function messageSchema(schema: SecurityMessageSchema): JsonObject {
  const envelope = plain(SecurityEnvelope) as { readonly properties: Record<string, JsonObject> }
  const header = plain(SecurityEventHeader)
  return {
    ...{ $schema: DIALECT, $id: idOf(schema), title: `Security message of schema ${schema}` },
    ...envelope,
    properties: {
      ...envelope.properties,
      MessageSchemaVersion: { const: schema },
      Events: { ...envelope.properties.Events, items: { $ref: '#/$defs/event' } },
    },
    $defs: {
      event: {
        ...header,
        // An event of a name that is not here is kept, whatever its payload is.
        allOf: Array.from(eventKinds(schema).keys(), (name) => ({
          if: { properties: { Name: { const: name } } },
          // biome-ignore lint/suspicious/noThenProperty: the keyword is called so
          then: {
            properties: { Payload: { items: { $ref: idOf(schema, name) } } },
          },
        })),
      },
    },
  }
}

/** As it goes over the wire: what the builder keeps beside the schema is not part of it. */
function plain(schema: object): JsonObject {
  return JSON.parse(JSON.stringify(schema)) as JsonObject
}
