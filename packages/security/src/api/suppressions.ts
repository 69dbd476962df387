import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { HeldBack, LearnedCount } from '../data/noise.ts'
import { USUAL_SHARE } from '../detection/detection.ts'
import {
  ANY_TYPE,
  MAX_MATCHERS,
  NEVER,
  OPERATORS,
  type Suppression,
  type SuppressionRequest,
} from '../detection/suppressions/suppression.ts'
import type { Suppressions } from '../detection/suppressions/suppressions.ts'
import { alertView } from '../findings/finding-view.ts'
import type { SecurityService } from '../security.ts'
import type { ApiGuard } from './guard.ts'
import { formatTime } from './query.ts'

const Matcher = Type.Object(
  {
    name: Type.String({
      description: 'An extended property such as `User Name`, or of an entity: `ip.address`',
    }),
    operator: Type.Union(
      OPERATORS.map((operator) => Type.Literal(operator)),
      { description: OPERATORS.join(', ') },
    ),
    value: Type.String(),
  },
  { additionalProperties: false },
)

const Content = {
  alertType: Type.String({ description: `Such as IoT_WebShell; ${ANY_TYPE} for all` }),
  match: Type.Optional(
    Type.Array(Matcher, { maxItems: MAX_MATCHERS, description: 'All of them must hold' }),
  ),
  group: Type.Optional(Type.String({ description: 'Of devices of this security group' })),
  deviceId: Type.Optional(Type.String({ description: 'Of this device' })),
  expiresUtc: Type.String({ description: `A time, or ${NEVER}` }),
  reason: Type.String({ description: 'Why nobody needs to see these alerts' }),
  isEnabled: Type.Optional(Type.Boolean({ description: 'Default true' })),
}
const Body = Type.Object(Content, { additionalProperties: false })
const NewBody = Type.Object(
  {
    ...Content,
    applyToOpen: Type.Optional(
      Type.Boolean({ description: 'Dismiss the open alerts that it is about, too' }),
    ),
  },
  { additionalProperties: false },
)
const Named = Type.Object({ id: Type.String() })

interface Options {
  readonly security: SecurityService
  readonly guard: ApiGuard
}

/** `/api/security/suppressions`: which alerts are held back, until when and why. */
export function suppressionRoutes(app: FastifyInstance, options: Options): void {
  const { suppressions } = options.security.detection
  const tags = ['security']
  type Params = Static<typeof Named>

  app.get(
    '/api/security/suppressions',
    { schema: { tags, summary: 'List suppressions with what they held back, oldest first' } },
    async () => {
      const held = await suppressions.heldBack()
      return { items: suppressions.list().map((each) => suppressionView(each, suppressions, held)) }
    },
  )
  app.get<{ Params: Params }>(
    '/api/security/suppressions/:id',
    { schema: { tags, summary: 'Show a suppression', params: Named } },
    async ({ params }) => {
      const held = await suppressions.heldBack()
      return suppressionView(suppressions.get(params.id), suppressions, held)
    },
  )
  app.delete<{ Params: Params }>(
    '/api/security/suppressions/:id',
    { schema: { tags, summary: 'Delete a suppression', params: Named } },
    async ({ params }, reply) => {
      await suppressions.remove(params.id)
      return reply.code(204).send()
    },
  )
  changeRoutes(app, options)
  proposalRoute(app, options)
}

function changeRoutes(app: FastifyInstance, { security, guard }: Options): void {
  const { suppressions } = security.detection
  const tags = ['security']

  app.post<{ Body: Static<typeof NewBody> }>(
    '/api/security/suppressions',
    { schema: { tags, summary: 'Hold alerts back from now on', body: NewBody } },
    async (request, reply) => {
      const { applyToOpen = false, ...content } = request.body
      const created = await suppressions.create(requestOf(content), guard.caller(request))
      const open = applyToOpen ? await suppressions.dismissOpen(created) : undefined
      const view = suppressionView(created, suppressions, new Map())
      return reply.code(201).send({ ...view, ...(open && { open }) })
    },
  )
  app.put<{ Params: Static<typeof Named>; Body: Static<typeof NewBody> }>(
    '/api/security/suppressions/:id',
    { schema: { tags, summary: 'Replace a suppression', params: Named, body: NewBody } },
    async (request) => {
      const { applyToOpen = false, ...content } = request.body
      const { id } = request.params
      const author = guard.caller(request)
      const replaced = await suppressions.replace(id, requestOf(content), author)
      const open = applyToOpen ? await suppressions.dismissOpen(replaced) : undefined
      const view = suppressionView(replaced, suppressions, await suppressions.heldBack())
      return { ...view, ...(open && { open }) }
    },
  )
  app.post<{ Body: Static<typeof Body> }>(
    '/api/security/suppressions/test',
    { schema: { tags, summary: 'Find out which open alerts a suppression is about', body: Body } },
    async ({ body }) => {
      const { matched, isComplete, items } = await suppressions.test(requestOf(body))
      return { matched, isComplete, items: items.map(alertView) }
    },
  )
}

function proposalRoute(app: FastifyInstance, { security }: Options): void {
  const params = Type.Object({ name: Type.String({ description: 'A security group' }) })
  app.get<{ Params: Static<typeof params> }>(
    '/api/security/groups/:name/proposals',
    {
      schema: {
        tags: ['security'],
        summary: 'List what is usual in a group by what it showed while it learned',
        params,
      },
    },
    async ({ params: { name: group } }) => {
      const { devices, values } = await security.detection.proposals(group)
      const items = values.map((each) => proposalView(each, group, devices))
      return { group, devices, usualShare: USUAL_SHARE, items }
    },
  )
}

/** With the suppression that would leave it out; its expiry is for whoever takes it over. */
function proposalView(
  { alertType, name, value, devices }: LearnedCount,
  group: string,
  all: number,
): object {
  const match = [{ name, operator: 'equals', value }]
  return {
    ...{ alertType, name, value, devices },
    share: all === 0 ? 0 : Math.round((devices / all) * 1000) / 1000,
    suppression: { alertType, group, match, expiresUtc: NEVER, reason: 'usual in this group' },
  }
}

function requestOf(body: Static<typeof Body>): SuppressionRequest {
  return body as SuppressionRequest
}

function suppressionView(
  suppression: Suppression,
  suppressions: Suppressions,
  heldBack: ReadonlyMap<string, Pick<HeldBack, 'count' | 'lastMs' | 'lastDeviceId'>>,
): object {
  const { expiresMs, createdMs, changedMs, ...rest } = suppression
  const { count = 0, lastMs = 0, lastDeviceId = '' } = heldBack.get(suppression.id) ?? {}
  return {
    ...rest,
    expiresUtc: expiresMs === 0 ? NEVER : formatTime(expiresMs),
    isInForce: suppressions.isInForce(suppression),
    createdUtc: formatTime(createdMs),
    changedUtc: formatTime(changedMs),
    suppressedCount: count,
    lastSuppressedUtc: formatTime(lastMs),
    lastSuppressedDeviceId: lastDeviceId || null,
  }
}
