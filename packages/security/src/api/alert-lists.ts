import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { AlertStatus } from '../detection/alert.ts'
import { type AggregatedAlert, formatDay } from '../findings/aggregated.ts'
import type { AlertChange } from '../findings/alert-change.ts'
import { MAX_BULK_ALERTS } from '../findings/bulk.ts'
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
  readTime,
  readWord,
} from './query.ts'

const STATUSES: readonly AlertStatus[] = ['Active', 'InProgress', 'Resolved', 'Dismissed']
const MAX_NOTE_CHARACTERS = 2_000

const Bulk = Type.Object(
  {
    ids: Type.Optional(Type.Array(Type.String(), { description: `At most ${MAX_BULK_ALERTS}` })),
    filter: Type.Optional(
      Type.Object(
        {
          device: optionalText('Device id'),
          type: optionalText('Alert type'),
          status: optionalText(STATUSES.join(', ')),
          severity: optionalText(SEVERITIES.join(', ')),
          from: optionalText('Alerts that ended at this time or later'),
          to: optionalText('Alerts that began before this time'),
        },
        { additionalProperties: false },
      ),
    ),
    change: Type.Object(
      {
        status: optionalText(STATUSES.join(', ')),
        assignee: Type.Optional(Type.String({ maxLength: 128 })),
        note: Type.Optional(Type.String({ maxLength: MAX_NOTE_CHARACTERS })),
      },
      { additionalProperties: false, minProperties: 1 },
    ),
    dryRun: Type.Optional(Type.Boolean({ description: 'Only count' })),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_BULK_ALERTS,
        description: `Alerts of the filter, default ${MAX_BULK_ALERTS}`,
      }),
    ),
    continuationToken: Type.Optional(
      Type.String({ description: 'From the previous answer, to go on with the same filter' }),
    ),
  },
  { additionalProperties: false },
)

const Named = Type.Object({
  type: Type.String({ description: 'Alert type' }),
  date: Type.String({ description: 'The UTC day on which they began: yyyy-mm-dd' }),
})
const Dismissal = Type.Object(
  { note: Type.Optional(Type.String({ maxLength: MAX_NOTE_CHARACTERS })) },
  { additionalProperties: false },
)

interface Options {
  readonly security: SecurityService
  readonly guard: ApiGuard
}

/** Many alerts at once: `/api/security/alerts/bulk` and `/api/security/alerts/aggregated`. */
export function alertListRoutes(app: FastifyInstance, options: Options): void {
  bulkRoute(app, options)
  aggregatedRoutes(app, options)
}

function bulkRoute(app: FastifyInstance, { security, guard }: Options): void {
  app.post<{ Body: Static<typeof Bulk> }>(
    '/api/security/alerts/bulk',
    {
      schema: {
        tags: ['security'],
        summary: 'Change many alerts: by their ids, or page by page of a filter',
        body: Bulk,
      },
    },
    async (request) => {
      const { ids, filter, change, dryRun = false } = request.body
      const { limit = MAX_BULK_ALERTS, continuationToken } = request.body
      const bulk = {
        ...(ids !== undefined && { ids }),
        ...(filter && {
          filter: { ...filterOf(filter), ...defined({ limit, continuationToken }), limit },
        }),
        change: changeOf(change),
        isDryRun: dryRun,
      }
      return security.findings.bulk.run(bulk, guard.caller(request))
    },
  )
}

function filterOf(filter: NonNullable<Static<typeof Bulk>['filter']>) {
  const { device, type, status, severity, from, to } = filter as Record<string, string | undefined>
  return defined({
    deviceId: device,
    alertType: type,
    status: readWord('filter.status', status, STATUSES),
    severity: readWord('filter.severity', severity, SEVERITIES),
    fromMs: readTime('filter.from', from),
    toMs: readTime('filter.to', to),
  })
}

function changeOf(change: Static<typeof Bulk>['change']): AlertChange {
  const { status, assignee, note } = change as Record<string, string | undefined>
  return defined({ status: readWord('change.status', status, STATUSES), assignee, note })
}

interface RangeQuery {
  readonly from?: string
  readonly to?: string
}

function aggregatedRoutes(app: FastifyInstance, { security, guard }: Options): void {
  const { aggregated } = security.findings
  const tags = ['security']
  type Params = Static<typeof Named>

  app.get<{ Querystring: RangeQuery }>(
    '/api/security/alerts/aggregated',
    {
      schema: {
        tags,
        summary: 'List alerts by type and UTC day, newest first',
        querystring: Type.Object({
          from: optionalText('The first day, default a week ago'),
          to: optionalText('The last day, default today'),
        }),
      },
    },
    async ({ query }) => {
      const [from, to] = [readTime('from', query.from), readTime('to', query.to)]
      return { items: (await aggregated.list(from, to)).map(aggregatedView) }
    },
  )
  app.get<{ Params: Params; Querystring: PageQuery }>(
    '/api/security/alerts/aggregated/:type/:date',
    {
      schema: {
        tags,
        summary: 'Show the alerts of a type and day with their devices, by device id',
        params: Named,
        querystring: Type.Object(PAGE_PARAMETERS),
      },
    },
    async ({ params, query }) => {
      const record = await aggregated.get(params.type, params.date)
      const page = await aggregated.devices(params.type, params.date, readPage(query))
      const devices = page.items.map(({ lastMs, ...rest }) => ({
        ...rest,
        lastUtc: formatTime(lastMs),
      }))
      return { ...aggregatedView(record), devices, continuationToken: page.continuationToken }
    },
  )
  app.post<{ Params: Params; Body: Static<typeof Dismissal> | null }>(
    '/api/security/alerts/aggregated/:type/:date/dismiss',
    {
      schema: {
        tags,
        summary: 'Dismiss the open alerts of a type and day; later ones open as usual',
        params: Named,
        body: Type.Union([Dismissal, Type.Null()]),
      },
    },
    async (request) => {
      const { type, date } = request.params
      const author = { by: guard.caller(request), note: request.body?.note ?? '' }
      return aggregated.dismiss(type, date, author)
    },
  )
}

/** Names as in the published record (security 04 §1.4); steps are one text here, as there. */
function aggregatedView(record: AggregatedAlert): object {
  const { name, alertType, day, count, byStatus, severity, actionTaken, isNew, sample } = record
  return {
    ...{ name, alertType },
    alertDisplayName: sample?.displayName ?? alertType,
    aggregatedDateUtc: formatDay(day),
    vendorName: 'Twinward',
    reportedSeverity: severity,
    remediationSteps: (sample?.remediationSteps ?? []).join(' '),
    description: sample?.description ?? '',
    ...{ count, byStatus, actionTaken, isNew },
  }
}
