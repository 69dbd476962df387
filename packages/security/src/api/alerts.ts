import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { AlertStatus, Severity } from '../detection/alert.ts'
import { alertView } from '../findings/finding-view.ts'
import type { SecurityService } from '../security.ts'
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

export const SEVERITIES: readonly Severity[] = ['Informational', 'Low', 'Medium', 'High']
const STATUSES: readonly AlertStatus[] = ['Active', 'InProgress', 'Resolved', 'Dismissed']

const Change = Type.Object(
  {
    status: Type.Optional(Type.String({ description: STATUSES.join(', ') })),
    assignee: Type.Optional(Type.String({ maxLength: 128 })),
    note: Type.Optional(Type.String({ maxLength: 2000 })),
  },
  { additionalProperties: false, minProperties: 1 },
)

interface AlertQuery extends PageQuery {
  readonly device?: string
  readonly type?: string
  readonly status?: string
  readonly severity?: string
  readonly from?: string
  readonly to?: string
}

/** `/api/security/alerts` (security 04 §1, §2). */
export function alertRoutes(
  app: FastifyInstance,
  { security, guard }: { security: SecurityService; guard: ApiGuard },
): void {
  const tags = ['security']
  const querystring = Type.Object({
    device: optionalText('Device id'),
    type: optionalText('Alert type, such as IoT_ReverseShell'),
    status: optionalText(STATUSES.join(', ')),
    severity: optionalText(SEVERITIES.join(', ')),
    from: optionalText('Alerts that ended at this time or later'),
    to: optionalText('Alerts that began before this time'),
    ...PAGE_PARAMETERS,
  })

  app.get<{ Querystring: AlertQuery }>(
    '/api/security/alerts',
    { schema: { tags, summary: 'List alerts, newest first', querystring } },
    async ({ query }) => {
      const page = await security.findings.alerts({
        ...readPage(query),
        ...defined({
          deviceId: query.device,
          alertType: query.type,
          status: readWord('status', query.status, STATUSES),
          severity: readWord('severity', query.severity, SEVERITIES),
          fromMs: readTime('from', query.from),
          toMs: readTime('to', query.to),
        }),
      })
      return { items: page.items.map(alertView), continuationToken: page.continuationToken }
    },
  )

  app.get<{ Params: { id: string } }>(
    '/api/security/alerts/:id',
    { schema: { tags, summary: 'Get an alert' } },
    async ({ params }) => alertView(await security.findings.alert(params.id)),
  )

  app.patch<{ Params: { id: string }; Body: Static<typeof Change> }>(
    '/api/security/alerts/:id',
    { schema: { tags, summary: 'Change status or assignee, add a note', body: Change } },
    async (request) => {
      const { assignee, note } = request.body
      const status = readWord('status', request.body.status, STATUSES)
      const change = defined({ status, assignee, note })
      return alertView(
        await security.findings.changeAlert(request.params.id, change, guard.caller(request)),
      )
    },
  )
}
