import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import {
  INDICATOR_KINDS,
  MAX_CONFIDENCE,
  MAX_TEXT_CHARACTERS,
} from '../detection/indicators/indicator.ts'
import type { StoredIndicator } from '../detection/indicators/indicator-store.ts'
import { MAX_IMPORT, type NewIndicator } from '../detection/indicators/indicators.ts'
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

const Facts = {
  source: Type.Optional(
    Type.String({ maxLength: MAX_TEXT_CHARACTERS, description: 'The list it comes from' }),
  ),
  severity: Type.Optional(
    Type.String({ description: `Of its alerts: ${SEVERITIES.join(', ')}; default: the rule's` }),
  ),
  confidence: Type.Optional(
    Type.Integer({ minimum: 0, maximum: MAX_CONFIDENCE, description: 'Percent; default 100' }),
  ),
  expiresUtc: Type.Optional(
    Type.Union([Type.String(), Type.Null()], { description: 'From then on it does not count' }),
  ),
  note: Type.Optional(Type.String({ maxLength: MAX_TEXT_CHARACTERS })),
}
const Changes = Type.Object(Facts, { additionalProperties: false, minProperties: 1 })
const Item = Type.Object(
  {
    kind: Type.String({ description: INDICATOR_KINDS.join(', ') }),
    value: Type.String({ description: 'Such as 203.0.113.0/24, evil.example or a hash' }),
    ...Facts,
  },
  { additionalProperties: false },
)
const Import = Type.Object(
  { items: Type.Array(Item, { minItems: 1, maxItems: MAX_IMPORT }) },
  { additionalProperties: false },
)
const Params = Type.Object({ id: Type.String() })

interface IndicatorQuery extends PageQuery {
  readonly kind?: string
  readonly source?: string
}

interface Options {
  readonly security: SecurityService
  readonly guard: ApiGuard
}

/** `/api/security/indicators`: lists that operators import; nothing is fetched from outside. */
export function indicatorRoutes(app: FastifyInstance, options: Options): void {
  const { indicators } = options.security.detection
  const { guard } = options
  const tags = ['security']
  const url = '/api/security/indicators'
  const querystring = Type.Object({
    kind: optionalText(INDICATOR_KINDS.join(', ')),
    source: optionalText('The list they come from'),
    ...PAGE_PARAMETERS,
  })

  app.get<{ Querystring: IndicatorQuery }>(
    url,
    { schema: { tags, summary: 'List indicators', querystring } },
    async ({ query }) => {
      const kind = readWord('kind', query.kind, INDICATOR_KINDS)
      const page = await indicators.list({
        ...readPage(query),
        ...defined({ kind, source: query.source }),
      })
      return { items: page.items.map(indicatorView), continuationToken: page.continuationToken }
    },
  )

  app.post<{ Body: Static<typeof Import> }>(
    url,
    { schema: { tags, summary: 'Import indicators, all or none', body: Import } },
    async (request) => {
      const given = request.body.items.map(readItem)
      const stored = await indicators.import(given, guard.caller(request))
      return { items: stored.map(indicatorView) }
    },
  )

  app.delete<{ Querystring: { source: string } }>(
    url,
    {
      schema: {
        tags,
        summary: 'Forget all indicators of one list',
        querystring: Type.Object({ source: Type.String({ description: 'The list' }) }),
      },
    },
    async ({ query }, reply) => {
      await indicators.removeSource(query.source)
      return reply.code(204).send()
    },
  )

  oneIndicatorRoutes(app, options)
}

function oneIndicatorRoutes(app: FastifyInstance, { security, guard }: Options): void {
  const { indicators } = security.detection
  const tags = ['security']
  const url = '/api/security/indicators/:id'
  type Id = { Params: Static<typeof Params> }

  app.get<Id>(
    url,
    { schema: { tags, summary: 'Get an indicator', params: Params } },
    async ({ params }) => indicatorView(await indicators.find(params.id)),
  )

  app.put<Id & { Body: Static<typeof Changes> }>(
    url,
    { schema: { tags, summary: 'Change an indicator', params: Params, body: Changes } },
    async (request) => {
      const { kind, value } = await indicators.find(request.params.id)
      const given = readItem({ ...request.body, kind, value })
      const [stored] = await indicators.import([given], guard.caller(request))
      if (!stored) throw new Error('the import kept nothing')
      return indicatorView(stored)
    },
  )

  app.delete<Id>(
    url,
    { schema: { tags, summary: 'Forget an indicator', params: Params } },
    async ({ params }, reply) => {
      await indicators.remove(params.id)
      return reply.code(204).send()
    },
  )
}

function readItem(item: Static<typeof Item>, at = 0): NewIndicator {
  const { value, source, confidence, note, expiresUtc } = item
  const kind = readWord(`items[${at}].kind`, item.kind, INDICATOR_KINDS)
  if (kind === undefined) throw new HubError('ArgumentInvalid', `items[${at}].kind is missing.`)
  return {
    kind,
    value,
    ...defined({
      source,
      confidence,
      note,
      severity: readWord(`items[${at}].severity`, item.severity, SEVERITIES),
      expiresMs: readTime(`items[${at}].expiresUtc`, expiresUtc ?? undefined),
    }),
  }
}

/** An indicator as interface clients see it: times in UTC, `null` for never. */
export function indicatorView(indicator: StoredIndicator): object {
  const { expiresMs, changedMs, severity = null, ...rest } = indicator
  return {
    ...rest,
    severity,
    expiresUtc: formatTime(expiresMs),
    changedUtc: formatTime(changedMs),
  }
}
