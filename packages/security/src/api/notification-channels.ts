import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Channel } from '../notifications/channel.ts'
import { CHANNEL_KINDS } from '../notifications/channel-settings.ts'
import type { SecurityService } from '../security.ts'
import { defined, readWord } from './query.ts'

const Settings = Type.Record(Type.String(), Type.Unknown(), {
  description: 'As docs/operate/notifications.md says for its kind; null removes a member',
})
const Facts = {
  description: Type.Optional(Type.String({ maxLength: 200 })),
  isEnabled: Type.Optional(Type.Boolean({ description: 'Default true' })),
}
const New = Type.Object(
  {
    id: Type.String({ description: 'Letters, digits, dots, dashes and underscores' }),
    kind: Type.String({ description: CHANNEL_KINDS.join(', ') }),
    settings: Settings,
    ...Facts,
  },
  { additionalProperties: false },
)
const Change = Type.Object(
  { settings: Type.Optional(Settings), ...Facts },
  { additionalProperties: false, minProperties: 1 },
)
const Params = Type.Object({ id: Type.String() })
type Id = { Params: Static<typeof Params> }

/** `/api/security/notifications/channels`: where notifications go. Secrets are written, never read. */
export function notificationChannelRoutes(app: FastifyInstance, security: SecurityService): void {
  const { notifications } = security.reporting
  const tags = ['security']
  const url = '/api/security/notifications/channels'

  app.get(url, { schema: { tags, summary: 'List the channels of notifications' } }, async () => ({
    items: notifications.channels().map(channelView),
    continuationToken: null,
  }))

  app.post<{ Body: Static<typeof New> }>(
    url,
    { schema: { tags, summary: 'Add a channel of notifications', body: New } },
    async ({ body }, reply) => {
      const { id, settings, description, isEnabled } = body
      const kind = readWord('kind', body.kind, CHANNEL_KINDS) ?? 'webhook'
      const facts = defined({ description, isEnabled })
      reply.code(201)
      return channelView(await notifications.createChannel({ id, kind, settings, ...facts }))
    },
  )

  app.get<Id>(
    `${url}/:id`,
    { schema: { tags, summary: 'Get a channel of notifications', params: Params } },
    async ({ params }) => channelView(notifications.channel(params.id)),
  )

  app.patch<Id & { Body: Static<typeof Change> }>(
    `${url}/:id`,
    { schema: { tags, summary: 'Change a channel', params: Params, body: Change } },
    async ({ params, body }) => {
      const { settings = {}, description, isEnabled } = body
      const change = { settings, ...defined({ description, isEnabled }) }
      return channelView(await notifications.changeChannel(params.id, change))
    },
  )

  app.delete<Id>(
    `${url}/:id`,
    { schema: { tags, summary: 'Remove a channel and what waits for it', params: Params } },
    async ({ params }, reply) => {
      await notifications.removeChannel(params.id)
      return reply.code(204).send()
    },
  )

  app.post<Id>(
    `${url}/:id/test`,
    { schema: { tags, summary: 'Send a test to a channel, past its queue', params: Params } },
    async ({ params }) => {
      const failure = await notifications.test(params.id)
      return { hasArrived: failure === undefined, reason: failure?.reason ?? null }
    },
  )
}

function channelView({ id, kind, description, isEnabled, settings }: Channel): object {
  return { id, kind, description, isEnabled, settings }
}
