import { HubError } from '@twinward/protocol'
import type { Aggregate, Expression, Item, Path, Query, Source, Subject } from './ast.ts'
import { type Token, tokenize } from './lexer.ts'
import { isName, parseExpression, parsePath } from './parse-expression.ts'
import { syntaxError } from './syntax-error.ts'
import { TokenReader } from './token-reader.ts'

/** Characters (UTF-16 code units) of a query. */
export const MAX_QUERY_CHARACTERS = 8192
/** Members of a result object. */
const MAX_ITEMS = 100

const AGGREGATES: ReadonlySet<string> = new Set(['COUNT', 'AVG', 'SUM', 'MIN', 'MAX'])
const COLLECTIONS: Readonly<Record<string, Source>> = {
  modules: 'devices.modules',
  jobs: 'devices.jobs',
}

/**
 * Reads a statement (07 §2):
 *
 *     SELECT [TOP n] list FROM source [WHERE expression] [GROUP BY path]
 *
 * @throws {HubError} `ArgumentInvalid` that names the character and says what was expected there
 */
export function parseQuery(text: string): Query {
  const tokens = checkedTokens(text)
  const source = findSource(tokens)
  const reader = new TokenReader(tokens)
  reader.expectKeyword('SELECT')
  const top = reader.skipKeyword('TOP') ? parseTop(reader) : undefined
  const listAt = reader.token.at
  const select = reader.skipSymbol('*') ? '*' : parseList(reader, source)
  reader.expectKeyword('FROM')
  parseSource(reader)
  const where = reader.skipKeyword('WHERE') ? parseExpression(reader, source) : undefined
  const groupAt = reader.token.at
  const groupBy = parseGroupBy(reader, source)
  if (reader.token.kind !== 'end') throw reader.expected(expectedAfter(where, groupBy))
  const query: Query = {
    source,
    select,
    ...(top !== undefined && { top }),
    ...(where && { where }),
    ...(groupBy && { groupBy }),
  }
  if (source === 'devices.jobs') checkJobs(query, listAt, groupAt)
  checkList(query, listAt)
  return query
}

/**
 * Reads a condition alone, as jobs, configurations and routes have it.
 *
 * @throws {HubError} as `parseQuery`
 */
export function parseCondition(text: string, subject: Subject = 'devices'): Expression {
  const reader = new TokenReader(checkedTokens(text))
  const condition = parseExpression(reader, subject)
  if (reader.token.kind !== 'end') throw reader.expected('AND, OR or the end')
  return condition
}

function checkedTokens(text: string): readonly Token[] {
  if (text.length > MAX_QUERY_CHARACTERS) {
    throw new HubError(
      'ArgumentInvalid',
      `The query has ${text.length} characters; at most ${MAX_QUERY_CHARACTERS} are allowed.`,
    )
  }
  return tokenize(text)
}

/** What the query reads decides what its paths mean, and some of them come before it. */
function findSource(tokens: readonly Token[]): Source {
  const from = tokens.findIndex((token, at) => {
    const before = tokens[at - 1]
    const isSegment = before?.kind === 'symbol' && before.text === '.'
    return token.kind === 'word' && token.text.toUpperCase() === 'FROM' && !isSegment
  })
  // Without one, the parser stops where FROM is missing.
  return from < 0 ? 'devices' : parseSource(new TokenReader(tokens.slice(from + 1)))
}

function parseSource(reader: TokenReader): Source {
  const what = 'devices, devices.modules or devices.jobs'
  if (!reader.skipKeyword('DEVICES')) throw reader.expected(what)
  if (!reader.skipSymbol('.')) return 'devices'
  const collection = reader.token.text.toLowerCase()
  const source = Object.hasOwn(COLLECTIONS, collection) ? COLLECTIONS[collection] : undefined
  if (!source) throw reader.expected('modules or jobs')
  reader.take()
  return source
}

function parseTop(reader: TokenReader): number {
  const { token } = reader
  const isCount = token.kind === 'number' && Number.isSafeInteger(token.value) && token.value > 0
  if (!isCount) throw reader.expected('how many, 1 or more,')
  reader.take()
  return token.value
}

function parseList(reader: TokenReader, source: Source): readonly Item[] {
  const items: Item[] = []
  const names = new Set<string>()
  do {
    const { at } = reader.token
    const item = parseItem(reader, source)
    if (names.has(item.name)) {
      throw syntaxError(at, `two results are called ${JSON.stringify(item.name)}; use AS`)
    }
    if (items.length === MAX_ITEMS) throw syntaxError(at, `more than ${MAX_ITEMS} results`)
    names.add(item.name)
    items.push(item)
  } while (reader.skipSymbol(','))
  return items
}

function parseItem(reader: TokenReader, source: Source): Item {
  const { token } = reader
  if (!isName(token)) throw reader.expected('*, a property or an aggregate')
  const value = reader.isBefore('(') ? parseAggregate(reader, source) : parsePath(reader, source)
  if (!reader.skipKeyword('AS')) return { name: nameOf(value), value }
  const alias = reader.token
  const isAlias = alias.kind === 'word' || alias.kind === 'quoted'
  if (!isAlias) throw reader.expected('a name')
  reader.take()
  return { name: alias.text, value }
}

function nameOf(value: Path | Aggregate): string {
  return value.kind === 'aggregate' ? value.name.toLowerCase() : (value.keys.at(-1) ?? '')
}

function parseAggregate(reader: TokenReader, source: Source): Aggregate {
  const name = reader.token.text.toUpperCase()
  if (!AGGREGATES.has(name)) throw reader.expected('COUNT, AVG, SUM, MIN or MAX')
  reader.take()
  reader.expectSymbol('(')
  const of = name === 'COUNT' ? undefined : parsePath(reader, source)
  reader.expectSymbol(')')
  return { kind: 'aggregate', name: name as Aggregate['name'], ...(of && { of }) }
}

function parseGroupBy(reader: TokenReader, source: Source): Path | undefined {
  if (!reader.skipKeyword('GROUP')) return undefined
  reader.expectKeyword('BY')
  return parsePath(reader, source)
}

function expectedAfter(where: Expression | undefined, groupBy: Path | undefined): string {
  if (groupBy) return 'the end'
  return where ? 'AND, OR, GROUP BY or the end' : 'WHERE, GROUP BY or the end'
}

/** Records of jobs are read whole (07 §5). */
function checkJobs({ select, groupBy }: Query, listAt: number, groupAt: number): void {
  if (select !== '*') throw syntaxError(listAt, 'of devices.jobs only * can be selected')
  if (groupBy) throw syntaxError(groupAt, 'devices.jobs cannot be grouped')
}

/** With groups, or over all documents, a plain property has no one value. */
function checkList({ select, groupBy }: Query, listAt: number): void {
  if (select === '*') {
    if (groupBy) throw syntaxError(listAt, 'with GROUP BY, name what to select')
    return
  }
  const hasAggregates = select.some(({ value }) => value.kind === 'aggregate')
  if (!groupBy && !hasAggregates) return
  const grouped = JSON.stringify(groupBy?.keys)
  for (const { name, value } of select) {
    if (value.kind === 'path' && JSON.stringify(value.keys) !== grouped) {
      throw syntaxError(listAt, `${JSON.stringify(name)} is neither grouped by nor an aggregate`)
    }
  }
}
