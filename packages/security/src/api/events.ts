import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { EventRow } from '../data/event-store.ts'
import type { SecurityService } from '../security.ts'
import {
  defined,
  formatTime,
  optionalText,
  PAGE_PARAMETERS,
  type PageQuery,
  readPage,
  readTime,
} from './query.ts'

interface EventQuery extends PageQuery {
  readonly device?: string
  readonly name?: string
  readonly event?: string
  readonly from?: string
  readonly to?: string
}

/** `/api/security/events`: raw events, one item per payload element; `/api/security/rejected`. */
export function eventRoutes(app: FastifyInstance, security: SecurityService): void {
  const tags = ['security']
  const querystring = Type.Object({
    device: optionalText('Device id'),
    name: optionalText('Event name, such as ProcessCreate'),
    event: optionalText('Event id, as evidence of alerts names it'),
    from: optionalText('Events at this time or later'),
    to: optionalText('Events before this time'),
    ...PAGE_PARAMETERS,
  })

  app.get<{ Querystring: EventQuery }>(
    '/api/security/events',
    { schema: { tags, summary: 'List raw security events, newest first', querystring } },
    async ({ query }) => {
      const page = await security.events({
        ...readPage(query),
        ...defined({
          deviceId: query.device,
          name: query.name,
          eventId: query.event,
          fromMs: readTime('from', query.from),
          toMs: readTime('to', query.to),
        }),
      })
      return { items: page.items.map(eventView), continuationToken: page.continuationToken }
    },
  )

  app.get<{ Querystring: PageQuery & { device?: string } }>(
    '/api/security/rejected',
    {
      schema: {
        tags,
        summary: 'List refused messages and events, newest first',
        querystring: Type.Object({ device: optionalText('Device id'), ...PAGE_PARAMETERS }),
      },
    },
    async ({ query }) => {
      const page = await security.rejected({
        ...readPage(query),
        ...defined({ deviceId: query.device }),
      })
      const items = page.items.map(({ ref, receivedMs, reason, excerpt, id }) => ({
        id,
        timeUtc: formatTime(receivedMs),
        deviceId: ref.deviceId,
        ...(ref.moduleId !== undefined && { moduleId: ref.moduleId }),
        reason,
        excerpt,
      }))
      return { items, continuationToken: page.continuationToken }
    },
  )
}

/** Names as in the published raw-event table (security 09 §2), in camel case. */
function eventView(row: EventRow): object {
  return {
    timeGeneratedUtc: formatTime(row.receivedMs),
    timeStampUtc: formatTime(row.timeMs),
    timestampLocal: row.timestampLocal,
    deviceId: row.ref.deviceId,
    ...(row.ref.moduleId !== undefined && { moduleId: row.ref.moduleId }),
    agentId: row.agentId,
    agentVersion: row.agentVersion,
    eventId: row.eventId,
    name: row.name,
    category: row.category,
    eventType: row.eventType,
    isEmpty: row.isEmpty,
    details: JSON.parse(row.details),
    deviations: row.deviations,
  }
}
