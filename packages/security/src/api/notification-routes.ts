import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { CHANGE_KINDS } from '../findings/finding-change.ts'
import {
  MAX_PATTERN_CHARACTERS,
  MAX_PER_WINDOW,
  MAX_ROUTE_ITEMS,
  MAX_WINDOW_SECONDS,
  MIN_WINDOW_SECONDS,
  type Route,
} from '../notifications/route.ts'
import type { SecurityService } from '../security.ts'
import { SEVERITIES } from './alerts.ts'
import { defined, readWord } from './query.ts'

function Texts(description: string) {
  const text = Type.String({ minLength: 1, maxLength: MAX_PATTERN_CHARACTERS })
  return Type.Optional(Type.Array(text, { maxItems: MAX_ROUTE_ITEMS, description }))
}

const Facts = {
  isEnabled: Type.Optional(Type.Boolean({ description: 'Default true' })),
  minimumSeverity: Type.Optional(Type.String({ description: SEVERITIES.join(', ') })),
  types: Texts('Patterns of alert and recommendation types; default *'),
  kinds: Texts(`Default all: ${CHANGE_KINDS.join(', ')}`),
  groups: Texts('Security groups; default all'),
  devices: Texts('Patterns of device ids; default *'),
  limit: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_PER_WINDOW,
      description: 'Notifications in a window, the rest as one summary; default 60',
    }),
  ),
  windowSeconds: Type.Optional(
    Type.Integer({
      minimum: MIN_WINDOW_SECONDS,
      maximum: MAX_WINDOW_SECONDS,
      description: 'Default 60',
    }),
  ),
}
const Channels = Type.Array(Type.String(), { minItems: 1, maxItems: MAX_ROUTE_ITEMS })
const closed = { additionalProperties: false }
const New = Type.Object({ id: Type.String(), channels: Channels, ...Facts }, closed)
const Change = Type.Object(
  { channels: Type.Optional(Channels), ...Facts },
  { ...closed, minProperties: 1 },
)
const Params = Type.Object({ id: Type.String() })
type Id = { Params: Static<typeof Params> }

/** `/api/security/notifications/routes`: which findings go to which channels. */
export function notificationRouteRoutes(app: FastifyInstance, security: SecurityService): void {
  const { notifications } = security.reporting
  const tags = ['security']
  const url = '/api/security/notifications/routes'

  app.get(url, { schema: { tags, summary: 'List the routes of notifications' } }, async () => ({
    items: notifications.routes(),
    continuationToken: null,
  }))

  app.post<{ Body: Static<typeof New> }>(
    url,
    { schema: { tags, summary: 'Add a route of notifications', body: New } },
    async ({ body }, reply) => {
      reply.code(201)
      return notifications.createRoute({ id: body.id, ...readFacts(body) })
    },
  )

  app.get<Id>(
    `${url}/:id`,
    { schema: { tags, summary: 'Get a route of notifications', params: Params } },
    async ({ params }) => notifications.route(params.id),
  )

  app.patch<Id & { Body: Static<typeof Change> }>(
    `${url}/:id`,
    { schema: { tags, summary: 'Change a route', params: Params, body: Change } },
    async ({ params, body }) => notifications.changeRoute(params.id, readFacts(body)),
  )

  app.delete<Id>(
    `${url}/:id`,
    { schema: { tags, summary: 'Remove a route', params: Params } },
    async ({ params }, reply) => {
      await notifications.removeRoute(params.id)
      return reply.code(204).send()
    },
  )
}

function readFacts(body: Static<typeof Change>): Partial<Route> {
  const { channels, isEnabled, types, groups, devices, limit, windowSeconds } = body
  const kinds = body.kinds?.map((kind, at) => readWord(`kinds[${at}]`, kind, CHANGE_KINDS))
  return defined({
    ...{ channels, isEnabled, types, groups, devices, limit, windowSeconds },
    minimumSeverity: readWord('minimumSeverity', body.minimumSeverity, SEVERITIES),
    kinds: kinds?.flatMap((kind) => kind ?? []),
  })
}
