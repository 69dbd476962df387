import { HubError, type JsonValue } from '@twinward/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { readGroupName } from '../configuration/shared-settings.ts'
import { DEFAULT_DRY_RUN_DAYS, type DryRunOutcome } from '../groups/dry-run.ts'
import { groupView, readGroup } from '../groups/group-wire.ts'
import { customAlertTypeName, RULE_TYPES } from '../groups/rule-types.ts'
import type { TimeWindowRule } from '../groups/security-group.ts'
import type { GroupChange } from '../groups/security-groups.ts'
import { notTried } from '../groups/window-trial.ts'
import type { SecurityService } from '../security.ts'
import type { ApiGuard } from './guard.ts'
import { defined, PAGE_PARAMETERS, type PageQuery, readPage, readTime } from './query.ts'

const MAX_DRY_RUN_DAYS = 365

const GroupParams = Type.Object({ name: Type.String() })
type Params = Static<typeof GroupParams>

/** Judged by `readGroup`, which lists every mistake; this is for the description of the API. */
const GroupBody = Type.Unsafe<JsonValue>(
  Type.Object(
    {},
    {
      description:
        'timeWindowRules, allowlistRules, denylistRules, thresholdRules and settings; or the ' +
        'published resource with these in properties',
    },
  ),
)

const DryRunBody = Type.Object(
  {
    days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_DRY_RUN_DAYS,
        description: `How far to go back; default ${DEFAULT_DRY_RUN_DAYS}`,
      }),
    ),
    fromUtc: Type.Optional(Type.String({ description: 'In place of days' })),
    toUtc: Type.Optional(
      Type.String({ description: 'Default now; coveredFromUtc of a run that was cut goes on' }),
    ),
    device: Type.Optional(Type.String({ description: 'Only events of this device' })),
    rules: Type.Optional(GroupBody),
  },
  { additionalProperties: false },
)

interface Options {
  readonly security: SecurityService
  readonly guard: ApiGuard
}

const tags = ['security groups']

/** `/api/security/groups`: custom alerts and settings for sets of devices (security 04 §6). */
export function groupRoutes(app: FastifyInstance, options: Options): void {
  collectionRoutes(app, options)
  itemRoutes(app, options)
  deviceRoutes(app, options)
  dryRunRoutes(app, options)
}

function collectionRoutes(app: FastifyInstance, { security, guard }: Options): void {
  const { groups } = security
  const url = '/api/security/groups'

  app.get(
    '/api/security/group-rule-types',
    { schema: { tags, summary: 'List the rule types of security groups' } },
    async () => ({ items: ruleTypeViews() }),
  )

  app.get(url, { schema: { tags, summary: 'List security groups by name' } }, async () => ({
    items: groups.list().map(groupView),
    continuationToken: null,
  }))

  app.post<{ Body: JsonValue }>(
    url,
    { schema: { tags, summary: 'Create a security group; name is in the body', body: GroupBody } },
    async (request, reply) => {
      const { name, draft } = readGroup(request.body)
      if (name === undefined) throw new HubError('ArgumentInvalid', 'name: it is missing.')
      const change = { by: guard.caller(request), isNew: true }
      const group = await groups.put(name, draft, change)
      return reply.code(201).header('etag', `"${group.etag}"`).send(groupView(group))
    },
  )
}

function itemRoutes(app: FastifyInstance, { security, guard }: Options): void {
  const { groups } = security
  const url = '/api/security/groups/:name'

  app.get<{ Params: Params }>(
    url,
    { schema: { tags, summary: 'Show a security group, all rule types', params: GroupParams } },
    async ({ params }, reply) => {
      const group = groups.get(params.name)
      return reply.header('etag', `"${group.etag}"`).send(groupView(group))
    },
  )

  app.put<{ Params: Params; Body: JsonValue }>(
    url,
    {
      schema: {
        tags,
        summary: 'Create or replace a security group; If-Match is optional',
        params: GroupParams,
        body: GroupBody,
      },
    },
    async (request, reply) => {
      const { name, draft } = readGroup(request.body)
      refuseOtherName(request.params.name, name)
      const isKnown = groups.find(request.params.name) !== undefined
      const group = await groups.put(request.params.name, draft, changeOf(request, guard))
      const code = isKnown ? 200 : 201
      return reply.code(code).header('etag', `"${group.etag}"`).send(groupView(group))
    },
  )

  app.delete<{ Params: Params }>(
    url,
    {
      schema: {
        tags,
        summary: 'Remove a security group; If-Match is optional',
        params: GroupParams,
      },
    },
    async (request, reply) => {
      await groups.remove(request.params.name, changeOf(request, guard))
      return reply.code(204).send()
    },
  )
}

function deviceRoutes(app: FastifyInstance, { security }: Options): void {
  app.get<{ Params: Params; Querystring: PageQuery }>(
    '/api/security/groups/:name/devices',
    {
      schema: {
        tags,
        summary:
          'List the devices that resolve to a group and by which tag, whether or not there is ' +
          'such a group; a page may be short, only its token tells the end',
        params: GroupParams,
        querystring: Type.Object(PAGE_PARAMETERS),
      },
    },
    async ({ params, query }) => {
      const name = readGroupName(params.name)
      const page = await security.groups.members.list(name, readPage(query))
      return { ...page, isDefined: security.groups.find(name) !== undefined }
    },
  )
}

function ruleTypeViews(): readonly object[] {
  return Object.entries(RULE_TYPES).flatMap(([list, types]) =>
    types.map((type) => ({ list, ...type, alertType: customAlertTypeName(type.ruleType) })),
  )
}

function dryRunRoutes(app: FastifyInstance, { security }: Options): void {
  type Body = Static<typeof DryRunBody> | null
  app.post<{ Params: Params; Body: Body }>(
    '/api/security/groups/:name/dry-run',
    {
      schema: {
        tags,
        summary: 'Try the rules of a group, or of a draft of it, on stored events',
        params: GroupParams,
        body: Type.Union([DryRunBody, Type.Null()]),
      },
    },
    async ({ params, body }) => {
      const { days, rules: draft, device: deviceId, ...times } = body ?? {}
      const toMs = readTime('toUtc', times.toUtc)
      const fromMs = readTime('fromUtc', times.fromUtc)
      const group = readGroupName(params.name)
      const { groups } = security
      const rules = draft === undefined ? groups.get(group) : readGroup(draft).draft
      const asked = defined({ fromMs, toMs, days, deviceId })
      const outcome = await groups.dryRun.run({ group, rules, ...asked })
      return {
        group,
        isDraft: draft !== undefined,
        ...dryRunView(outcome),
        skipped: rules.timeWindowRules.flatMap(skippedView),
      }
    },
  )
}

function dryRunView(outcome: DryRunOutcome): object {
  const { fromMs, toMs, coveredFromMs, rules, ...counts } = outcome
  return {
    ...counts,
    fromUtc: new Date(fromMs).toISOString(),
    toUtc: new Date(toMs).toISOString(),
    coveredFromUtc: new Date(coveredFromMs).toISOString(),
    rules: rules.map(({ places, ...rule }) => ({
      ...rule,
      places: places.map(({ timeMs, ...place }) => ({
        ...place,
        timeUtc: new Date(timeMs).toISOString(),
      })),
    })),
  }
}

function skippedView(rule: TimeWindowRule): readonly object[] {
  const reason = rule.isEnabled ? notTried(rule) : undefined
  return reason === undefined ? [] : [{ ruleType: rule.ruleType, reason }]
}

function changeOf(request: FastifyRequest, guard: ApiGuard): GroupChange {
  const ifMatch = ifMatchOf(request)
  return { by: guard.caller(request), ...(ifMatch !== undefined && { ifMatch }) }
}

/** Clients send `abc`, `"abc"`, `W/"abc"` and `*`. */
function ifMatchOf({ headers }: FastifyRequest): string | undefined {
  const header = headers['if-match']?.trim()
  return header?.replace(/^W\//, '').replace(/^"(.*)"$/, '$1') || undefined
}

function refuseOtherName(name: string, sent: string | undefined): void {
  if (sent === undefined || readGroupName(sent) === readGroupName(name)) return
  const text = `name: the body is about ${JSON.stringify(sent)}, the address about ${name}.`
  throw new HubError('ArgumentInvalid', text)
}
