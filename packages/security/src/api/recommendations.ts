import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Recommendation, RecommendationState } from '../recommendations/recommendation.ts'
import type { SecurityService } from '../security.ts'
import { SEVERITIES } from './alerts.ts'
import type { ApiGuard } from './guard.ts'
import {
  defined,
  formatTime,
  optionalText,
  PAGE_PARAMETERS,
  type PageQuery,
  readPage,
  readWord,
} from './query.ts'

const STATES: readonly RecommendationState[] = ['Active', 'Resolved', 'Exempt']

const Change = Type.Object(
  {
    state: Type.String({ description: 'Exempt, or Active to end an exemption' }),
    reason: Type.Optional(Type.String({ maxLength: 2000 })),
  },
  { additionalProperties: false },
)

interface RecommendationQuery extends PageQuery {
  readonly device?: string
  readonly type?: string
  readonly state?: string
  readonly severity?: string
}

/** `/api/security/recommendations` (security 05). Ids are `<type>|<deviceId>`. */
export function recommendationRoutes(
  app: FastifyInstance,
  { security, guard }: { security: SecurityService; guard: ApiGuard },
): void {
  const tags = ['security']
  const querystring = Type.Object({
    device: optionalText('Device id'),
    type: optionalText('Recommendation type, such as IoT_OpenPorts'),
    state: optionalText(STATES.join(', ')),
    severity: optionalText(SEVERITIES.join(', ')),
    ...PAGE_PARAMETERS,
  })

  app.get<{ Querystring: RecommendationQuery }>(
    '/api/security/recommendations',
    { schema: { tags, summary: 'List recommendations, newest change first', querystring } },
    async ({ query }) => {
      const page = await security.findings.recommendations({
        ...readPage(query),
        ...defined({
          deviceId: query.device,
          recommendationType: query.type,
          state: readWord('state', query.state, STATES),
          severity: readWord('severity', query.severity, SEVERITIES),
        }),
      })
      return {
        items: page.items.map(recommendationView),
        continuationToken: page.continuationToken,
      }
    },
  )

  app.patch<{ Params: { id: string }; Body: Static<typeof Change> }>(
    '/api/security/recommendations/:id',
    { schema: { tags, summary: 'Exempt a recommendation, or end that', body: Change } },
    async (request) => {
      const state = readWord('state', request.body.state, ['Exempt', 'Active'] as const) ?? 'Active'
      const change = { state, reason: request.body.reason ?? '' }
      const { id } = request.params
      return recommendationView(
        await security.findings.changeRecommendation(id, change, guard.caller(request)),
      )
    },
  )
}

export function recommendationView(recommendation: Recommendation): object {
  const { discoveredTimeMs, stateChangedMs, resolvedTimeMs, snapshotTimeMs, ...rest } =
    recommendation
  return {
    ...rest,
    discoveredTimeUtc: formatTime(discoveredTimeMs),
    stateChangedUtc: formatTime(stateChangedMs),
    resolvedTimeUtc: formatTime(resolvedTimeMs),
    snapshotTimeUtc: formatTime(snapshotTimeMs ?? 0),
  }
}
