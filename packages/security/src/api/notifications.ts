import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { DeadLetter } from '../notifications/delivery.ts'
import type { DrillReport } from '../notifications/drill/drill-report.ts'
import type { ChannelStatus } from '../notifications/status.ts'
import type { SecurityService } from '../security.ts'
import { notificationChannelRoutes } from './notification-channels.ts'
import { notificationRouteRoutes } from './notification-routes.ts'
import {
  defined,
  formatTime,
  optionalText,
  PAGE_PARAMETERS,
  type PageQuery,
  readPage,
} from './query.ts'

const Drill = Type.Object(
  { device: Type.Optional(Type.String({ description: 'Default: any with a security module' })) },
  { additionalProperties: false },
)
const Params = Type.Object({ id: Type.String() })
type Id = { Params: Static<typeof Params> }

/** `/api/security/notifications` and the fire drill. */
export function notificationRoutes(
  app: FastifyInstance,
  { security }: { readonly security: SecurityService },
): void {
  const { notifications } = security.reporting
  const tags = ['security']
  notificationChannelRoutes(app, security)
  notificationRouteRoutes(app, security)
  deadLetterRoutes(app, security)

  app.get(
    '/api/security/notifications/status',
    { schema: { tags, summary: 'How each channel does: what waits, and the last outcome' } },
    async () => ({ items: notifications.status().map(statusView), continuationToken: null }),
  )

  app.post<{ Body: Static<typeof Drill> | undefined }>(
    '/api/security/drill',
    {
      schema: {
        tags,
        summary: 'Fire drill: a test event on the whole way to a notification',
        body: Type.Optional(Drill),
      },
    },
    async ({ body }) => drillView(await security.reporting.drill(body?.device)),
  )
}

function deadLetterRoutes(app: FastifyInstance, security: SecurityService): void {
  const { notifications } = security.reporting
  const tags = ['security']
  const url = '/api/security/notifications/dead-letters'
  const querystring = Type.Object({ channel: optionalText('Channel id'), ...PAGE_PARAMETERS })

  app.get<{ Querystring: PageQuery & { readonly channel?: string } }>(
    url,
    { schema: { tags, summary: 'List notifications that were given up', querystring } },
    async ({ query }) => {
      const filter = { ...readPage(query), ...defined({ channelId: query.channel }) }
      const { items, continuationToken } = await notifications.deadLetters(filter)
      return { items: items.map(deadLetterView), continuationToken }
    },
  )

  app.post<Id>(
    `${url}/:id/retry`,
    { schema: { tags, summary: 'Queue a dead letter again', params: Params } },
    async ({ params }, reply) => {
      await notifications.retryDeadLetter(params.id)
      return reply.code(204).send()
    },
  )

  app.delete<Id>(
    `${url}/:id`,
    { schema: { tags, summary: 'Discard a dead letter', params: Params } },
    async ({ params }, reply) => {
      await notifications.discardDeadLetter(params.id)
      return reply.code(204).send()
    },
  )
}

function statusView(status: ChannelStatus): object {
  const { oldestMs, lastSuccessMs, lastFailureMs, pausedUntilMs, ...rest } = status
  return {
    ...rest,
    oldestUtc: formatTime(oldestMs),
    lastSuccessUtc: formatTime(lastSuccessMs),
    lastFailureUtc: formatTime(lastFailureMs),
    pausedUntilUtc: formatTime(pausedUntilMs),
  }
}

function deadLetterView({ delivery, deadMs, reason }: DeadLetter): object {
  const { id, channelId, event, severity, type, deviceId, createdMs, attempts, body } = delivery
  return {
    ...{ id, channelId, event, severity, type, deviceId, attempts, reason },
    createdUtc: formatTime(createdMs),
    deadUtc: formatTime(deadMs),
    body,
  }
}

function drillView({ startedMs, ...report }: DrillReport): object {
  return { ...report, startedUtc: formatTime(startedMs) }
}
