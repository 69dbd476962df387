import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { recommendationView } from '../findings/finding-view.ts'
import { HUB, RECOMMENDATION_STATES } from '../recommendations/recommendation.ts'
import type { Aggregate } from '../recommendations/recommendations.ts'
import type { SecurityService } from '../security.ts'
import { SEVERITIES } from './alerts.ts'
import type { ApiGuard } from './guard.ts'
import {
  defined,
  optionalText,
  PAGE_PARAMETERS,
  type PageQuery,
  readPage,
  readTime,
  readWord,
} from './query.ts'

const Change = Type.Object(
  {
    state: Type.String({ description: 'Exempt, or Active to end an exemption' }),
    reason: Type.Optional(Type.String({ maxLength: 2000 })),
    exemptUntilUtc: Type.Optional(
      Type.Union([Type.String(), Type.Null()], {
        description: 'When the exemption ends by itself; without it, never',
      }),
    ),
  },
  { additionalProperties: false },
)
const Params = Type.Object({ id: Type.String({ description: '`<type>|<deviceId>`' }) })
type Id = { Params: Static<typeof Params> }

interface RecommendationQuery extends PageQuery {
  readonly device?: string
  readonly scope?: string
  readonly type?: string
  readonly state?: string
  readonly severity?: string
}

interface Options {
  readonly security: SecurityService
  readonly guard: ApiGuard
}

const ROUTE = '/api/security/recommendations'
const tags = ['security']

/** `/api/security/recommendations` (security 05). Ids are `<type>|<deviceId>`; of the hub, `<type>|`. */
export function recommendationRoutes(app: FastifyInstance, options: Options): void {
  const { recommendations } = options.security
  const querystring = Type.Object({
    device: optionalText('Device id'),
    scope: optionalText('hub: those about the hub itself'),
    type: optionalText('Recommendation type, such as IoT_OpenPorts'),
    state: optionalText(RECOMMENDATION_STATES.join(', ')),
    severity: optionalText(SEVERITIES.join(', ')),
    ...PAGE_PARAMETERS,
  })

  app.get<{ Querystring: RecommendationQuery }>(
    ROUTE,
    { schema: { tags, summary: 'List recommendations, newest change first', querystring } },
    async ({ query }) => {
      const page = await recommendations.list({
        ...readPage(query),
        ...defined({
          deviceId: readDevice(query),
          recommendationType: query.type,
          state: readWord('state', query.state, RECOMMENDATION_STATES),
          severity: readWord('severity', query.severity, SEVERITIES),
        }),
      })
      return {
        items: page.items.map((one) => recommendationView(one)),
        continuationToken: page.continuationToken,
      }
    },
  )

  app.get(
    `${ROUTE}/aggregated`,
    { schema: { tags, summary: 'Every type of recommendation with its counts over the fleet' } },
    async () => ({ items: (await recommendations.aggregated()).map(aggregateView) }),
  )

  oneRecommendationRoutes(app, options)
}

function oneRecommendationRoutes(app: FastifyInstance, { security, guard }: Options): void {
  const { recommendations } = security

  app.get<Id>(
    `${ROUTE}/:id`,
    { schema: { tags, summary: 'Get a recommendation with its history', params: Params } },
    async ({ params }) => recommendationView(await recommendations.find(params.id)),
  )

  app.patch<Id & { Body: Static<typeof Change> }>(
    `${ROUTE}/:id`,
    {
      schema: {
        tags,
        summary: 'Exempt a recommendation, for good or until a time, or end that',
        params: Params,
        body: Change,
      },
    },
    async (request) => {
      const { reason = '', exemptUntilUtc } = request.body
      const state = readWord('state', request.body.state, ['Exempt', 'Active'] as const) ?? 'Active'
      const untilMs = readTime('exemptUntilUtc', exemptUntilUtc ?? undefined)
      const wish = { state, reason, ...defined({ untilMs }) }
      const { id } = request.params
      return recommendationView(await recommendations.change(id, wish, guard.caller(request)))
    },
  )
}

/** @throws {HubError} `ArgumentInvalid` */
function readDevice({ device, scope }: RecommendationQuery): string | undefined {
  if (readWord('scope', scope, ['hub'] as const) === undefined) return device
  if (device === undefined) return HUB
  throw new HubError('ArgumentInvalid', 'Give either device or scope=hub.')
}

/** Fields as they were published (05 §3), and how many are in each state. */
function aggregateView(one: Aggregate): object {
  const { type, dataSource, scope } = one.entry
  return {
    recommendationName: type.recommendationType,
    recommendationDisplayName: type.displayName,
    recommendationTypeId: type.recommendationType,
    description: type.description,
    detectedBy: 'Twinward',
    dataSource,
    scope,
    remediationSteps: type.remediationSteps,
    reportedSeverity: one.isOff ? 'OffByPolicy' : one.severity,
    healthyDevices: one.healthyDevices,
    unhealthyDeviceCount: one.unhealthyDevices,
    counts: one.counts,
  }
}
