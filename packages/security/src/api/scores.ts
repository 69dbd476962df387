import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { MAX_HISTORY_DAYS, type ScoreTotals } from '../posture/history-store.ts'
import { wholeScore } from '../posture/scores.ts'
import type { SecurityService } from '../security.ts'
import { optionalText, PAGE_PARAMETERS, type PageQuery, readPage } from './query.ts'

const DEFAULT_DAYS = 30
const Params = Type.Object({ deviceId: Type.String() })

interface HistoryQuery {
  readonly device?: string
  readonly group?: string
  readonly days?: string
}

/** Scores with their reasons and their history, and the numbers of the fleet (security 09 §5.2, §8). */
export function scoreRoutes(
  app: FastifyInstance,
  { security }: { readonly security: SecurityService },
): void {
  const tags = ['security']

  app.get(
    '/api/security/analytics',
    { schema: { tags, summary: 'Numbers of the fleet, and the history of its score' } },
    async () => security.analytics(),
  )

  app.get<{ Params: Static<typeof Params> }>(
    '/api/devices/:deviceId/security/score',
    { schema: { tags, summary: 'The score of a device, point by point', params: Params } },
    async ({ params: { deviceId } }) => ({
      deviceId,
      ...(await security.explainScore(deviceId)),
    }),
  )

  app.get<{ Querystring: PageQuery }>(
    '/api/security/score',
    {
      schema: {
        tags,
        summary: 'The score of the fleet and of each security group',
        querystring: Type.Object(PAGE_PARAMETERS),
      },
    },
    async ({ query }) => {
      const [fleet, groups] = await Promise.all([
        security.scores.totals(),
        security.scores.groups(readPage(query)),
      ])
      const items = groups.items.map(({ group, ...totals }) => ({ group, ...totalsView(totals) }))
      return { ...totalsView(fleet), items, continuationToken: groups.continuationToken }
    },
  )

  app.get<{ Querystring: HistoryQuery }>(
    '/api/security/score/history',
    {
      schema: {
        tags,
        summary: 'The score of a device, a group or the fleet by day, oldest first',
        querystring: Type.Object({
          device: optionalText('Device id'),
          group: optionalText('A security group; without device and group: the fleet'),
          days: optionalText(`1 to ${MAX_HISTORY_DAYS}, default ${DEFAULT_DAYS}`),
        }),
      },
    },
    async ({ query: { device, group, days } }) => {
      if (device !== undefined && group !== undefined) {
        throw new HubError('ArgumentInvalid', 'Give either device or group.')
      }
      const count = readDays(days)
      const items =
        device === undefined
          ? await security.scores.history(group?.toLowerCase(), count)
          : await security.scores.deviceHistory(device, count)
      return { items, continuationToken: null }
    },
  )
}

function totalsView({ devices, high, medium, low, ...totals }: ScoreTotals): object {
  return { score: wholeScore(totals), devices, metrics: { high, medium, low } }
}

function readDays(text: string | undefined): number {
  const days = text === undefined ? DEFAULT_DAYS : Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= MAX_HISTORY_DAYS) return days
  throw new HubError(
    'ArgumentInvalid',
    `days must be a whole number from 1 to ${MAX_HISTORY_DAYS}.`,
  )
}
