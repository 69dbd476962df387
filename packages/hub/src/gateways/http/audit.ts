import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { AUDIT_KINDS, type AuditEvent } from '../../activity/audit-event.ts'
import { MAX_AUDIT_PAGE } from '../../activity/audit-log.ts'
import type { Hub } from '../../hub.ts'
import { authorize } from './authorize.ts'

const DEFAULT_LIMIT = 100
const NUMBER = /^\d{1,15}$/

const Query = Type.Object({
  kind: Type.Optional(Type.Union(AUDIT_KINDS.map((kind) => Type.Literal(kind)))),
  device: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  limit: Type.Optional(
    Type.String({ description: `1 to ${MAX_AUDIT_PAGE}, by default ${DEFAULT_LIMIT}` }),
  ),
  continuationToken: Type.Optional(Type.String({ maxLength: 64 })),
})

const OptionalText = Type.Optional(Type.String())
const EventView = Type.Object({
  sequence: Type.Integer(),
  kind: Type.String(),
  outcome: Type.String({ description: 'success or failure' }),
  reason: Type.Optional(Type.String({ description: 'Of a failure.' })),
  deviceId: OptionalText,
  moduleId: OptionalText,
  principal: Type.Optional(Type.String({ description: 'The policy that did it.' })),
  address: OptionalText,
  subject: Type.Optional(Type.String({ description: 'What it was done to.' })),
  detail: OptionalText,
  isConnected: Type.Optional(
    Type.Boolean({ description: 'Whether the identity itself was connected at that time.' }),
  ),
  count: Type.Integer({ description: 'Repeats within a minute are one event.' }),
  firstTimeUtc: Type.String({ format: 'date-time' }),
  lastTimeUtc: Type.String({ format: 'date-time' }),
})
const EventList = Type.Object({
  items: Type.Array(EventView),
  continuationToken: Type.Union([Type.String(), Type.Null()]),
})

/** `/api/audit`: what happened to the hub itself, newest first. IoT Hub has no such route. */
export function auditRoutes(app: FastifyInstance, { activity, authenticator }: Hub): void {
  app.get<{ Querystring: Static<typeof Query> }>(
    '/api/audit',
    {
      onRequest: authorize(authenticator, 'RegistryRead'),
      schema: {
        tags: ['audit'],
        summary: 'List what happened to the hub: refused connections, CAs, exports, modules',
        querystring: Query,
        response: { 200: EventList },
      },
    },
    async ({ query: { kind, device, limit: text, continuationToken } }) => {
      const limit = text === undefined ? DEFAULT_LIMIT : readLimit(text)
      const events = await activity.audit.list({
        ...(kind !== undefined && { kind }),
        ...(device !== undefined && { deviceId: device }),
        ...(continuationToken !== undefined && { before: readToken(continuationToken) }),
        limit: limit + 1,
      })
      const items = events.slice(0, limit)
      const isMore = events.length > limit
      return {
        items: items.map(eventView),
        continuationToken: isMore ? String(items.at(-1)?.sequence ?? 0) : null,
      }
    },
  )
}

function readLimit(text: string): number {
  const limit = NUMBER.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= MAX_AUDIT_PAGE) return limit
  throw new HubError('ArgumentInvalid', `limit must be a number from 1 to ${MAX_AUDIT_PAGE}.`)
}

function readToken(text: string): number {
  if (NUMBER.test(text)) return Number(text)
  throw new HubError('ArgumentInvalid', 'continuationToken is not one of this list.')
}

function eventView({ ref, firstMs, lastMs, ...event }: AuditEvent) {
  return {
    ...event,
    ...ref,
    firstTimeUtc: new Date(firstMs).toISOString(),
    lastTimeUtc: new Date(lastMs).toISOString(),
  }
}
