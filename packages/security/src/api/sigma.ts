import { HubError } from '@twinward/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { sigmaAlertType } from '../detection/sigma/alert-type.ts'
import type { CompiledRule } from '../detection/sigma/compile.ts'
import { MAX_IMPORT_BYTES, MAX_TEXT_CHARACTERS } from '../detection/sigma/limits.ts'
import type { ImportedDocument, SigmaRuleView } from '../detection/sigma/sigma-rules.ts'
import type { SecurityService } from '../security.ts'
import type { ApiGuard } from './guard.ts'
import { formatTime, optionalText, readWord } from './query.ts'

/** An import as JSON: its line ends and quotes are escaped there. */
const MAX_BODY_BYTES = 2 * MAX_IMPORT_BYTES
const SUPPORT = ['supported', 'unsupported', 'notApplicable'] as const

const Import = Type.Object(
  {
    yaml: Type.String({ description: 'One Sigma rule, or several with --- between them' }),
    source: Type.Optional(
      Type.String({ maxLength: MAX_TEXT_CHARACTERS, description: 'The collection it comes from' }),
    ),
  },
  { additionalProperties: false },
)
const Switch = Type.Object({ isEnabled: Type.Boolean() }, { additionalProperties: false })
const Params = Type.Object({ id: Type.String() })

interface Options {
  readonly security: SecurityService
  readonly guard: ApiGuard
}
interface ListQuery {
  readonly status?: string
  readonly source?: string
}

/** `/api/security/sigma`: Sigma rules that operators load; nothing is fetched from outside. */
export function sigmaRoutes(app: FastifyInstance, options: Options): void {
  const { sigma } = options.security.detection
  const tags = ['security']
  const url = '/api/security/sigma'
  const querystring = Type.Object({
    status: optionalText(SUPPORT.join(', ')),
    source: optionalText('The collection they come from'),
  })

  app.get<{ Querystring: ListQuery }>(
    url,
    { schema: { tags, summary: 'List Sigma rules, by title', querystring } },
    async ({ query }) => {
      const status = readWord('status', query.status, SUPPORT)
      const all = sigma.list()
      const items = all.filter(
        ({ support, stored }) =>
          (status === undefined || support === status) &&
          (query.source === undefined || stored.source === query.source),
      )
      return { summary: summaryOf(all), items: items.map(ruleView), continuationToken: null }
    },
  )

  app.delete<{ Querystring: { source: string } }>(
    url,
    {
      schema: {
        tags,
        summary: 'Forget all Sigma rules of one collection',
        querystring: Type.Object({ source: Type.String({ description: 'The collection' }) }),
      },
    },
    async ({ query }) => ({ removed: await sigma.removeSource(query.source) }),
  )

  importRoutes(app, options)
  oneRuleRoutes(app, options)
}

/** These take YAML as it is (`text/yaml`, with `?source=`), or within JSON. */
function importRoutes(app: FastifyInstance, { security, guard }: Options): void {
  const { sigma } = security.detection
  const tags = ['security']
  const querystring = Type.Object({ source: optionalText('With a body of YAML: the collection') })

  app.register(async (own) => {
    own.addContentTypeParser(
      /^(text|application)\/(x-)?yaml\b/,
      { parseAs: 'string' },
      (_request, body, done) => done(null, { yaml: body }),
    )
    const options = (summary: string) => ({
      bodyLimit: MAX_BODY_BYTES,
      schema: { tags, summary, querystring, body: Import },
    })
    own.route<{ Body: Static<typeof Import>; Querystring: { source?: string } }>({
      method: ['POST', 'PUT'],
      url: '/api/security/sigma',
      ...options('Import Sigma rules; those that are known are replaced'),
      handler: async (request) => {
        const { yaml, source } = readImport(request)
        return importView(await sigma.import(yaml, source, guard.caller(request)))
      },
    })
    own.post<{ Body: Static<typeof Import>; Querystring: { source?: string } }>(
      '/api/security/sigma/check',
      options('Say what of Sigma rules is supported, and import nothing'),
      async (request) => importView(await sigma.check(readImport(request).yaml)),
    )
  })
}

function readImport({
  body,
  query,
}: FastifyRequest<{ Body: Static<typeof Import>; Querystring: { source?: string } }>) {
  if (body.source !== undefined && query.source !== undefined) {
    throw new HubError('ArgumentInvalid', 'Give source once, in the body or in the query.')
  }
  return { yaml: body.yaml, source: body.source ?? query.source ?? '' }
}

function oneRuleRoutes(app: FastifyInstance, { security, guard }: Options): void {
  const { sigma } = security.detection
  const tags = ['security']
  const url = '/api/security/sigma/:id'
  type Id = { Params: Static<typeof Params> }

  app.get<Id>(
    url,
    { schema: { tags, summary: 'Get a Sigma rule with its text', params: Params } },
    async ({ params }) => {
      const found = sigma.find(params.id)
      return { ...ruleView(found), yaml: found.stored.text }
    },
  )

  app.patch<Id & { Body: Static<typeof Switch> }>(
    url,
    { schema: { tags, summary: 'Switch a Sigma rule on or off', params: Params, body: Switch } },
    async (request) => {
      const { isEnabled } = request.body
      return ruleView(await sigma.setEnabled(request.params.id, isEnabled, guard.caller(request)))
    },
  )

  app.delete<Id>(
    url,
    { schema: { tags, summary: 'Forget a Sigma rule', params: Params } },
    async ({ params }, reply) => {
      await sigma.remove(params.id)
      return reply.code(204).send()
    },
  )
}

function ruleView(view: SigmaRuleView): object {
  const { stored, hits } = view
  return {
    ...compiledView(view),
    source: stored.source,
    isEnabled: stored.isEnabled,
    matchCount: hits.count,
    lastMatchUtc: formatTime(hits.lastMs),
    changedUtc: formatTime(stored.changedMs),
    changedBy: stored.changedBy,
  }
}

/** What a rule is, and what of it is supported. */
function compiledView({ rule, support, reasons, notes }: CompiledRule): object {
  const { alertType, severity, intent, techniques } = sigmaAlertType(rule)
  const { id, title, level, description, author, references, falsePositives, tags } = rule
  return {
    ...{ id, title, alertType, level, severity, intent, techniques },
    ...{ status: support, reasons, notes, logsource: rule.logsource },
    ...{ description, author, references, falsePositives, tags },
  }
}

function importView(documents: readonly ImportedDocument[]): object {
  const compiled = documents.flatMap((one) => (one.compiled ? [one.compiled] : []))
  const count = (result: ImportedDocument['result']) =>
    documents.filter((one) => one.result === result).length
  return {
    ...{ added: count('added'), replaced: count('replaced'), unchanged: count('unchanged') },
    invalid: count('invalid'),
    summary: summaryOf(compiled),
    items: documents.map(({ document, result, problem = null, compiled: one }) => ({
      ...{ document, result, problem },
      ...(one && compiledView(one)),
    })),
  }
}

/** How many there are and are supported, and how many are not for which reason (its first). */
function summaryOf(rules: readonly CompiledRule[]): object {
  const reasons: { [code: string]: number } = {}
  for (const { support, reasons: found } of rules) {
    const [first] = found
    if (support === 'unsupported' && first) reasons[first.code] = (reasons[first.code] ?? 0) + 1
  }
  const count = (support: CompiledRule['support']) =>
    rules.filter((one) => one.support === support).length
  return {
    total: rules.length,
    supported: count('supported'),
    unsupported: count('unsupported'),
    notApplicable: count('notApplicable'),
    reasons,
  }
}
