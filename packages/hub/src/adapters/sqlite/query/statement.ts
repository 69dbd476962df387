import { HubError } from '@twinward/protocol'
import type { SqlRow, SqlValue } from '@twinward/sqlite'
import {
  type Aggregate,
  type Expression,
  type Item,
  isAggregated,
  type Path,
  type Query,
  type Source,
} from '../../../twins/query/ast.ts'
import { accessOf, jsonTextOf, twinColumns } from './columns.ts'
import { toCondition } from './condition.ts'
import { chooseScan } from './scan.ts'
import type { Scan } from './scan-parts.ts'
import { balanced, list, param, raw, type Sql, sql } from './sql.ts'

/** A SELECT whose rows are a position, in so many columns, then the JSON text of a result. */
export interface QueryStatement extends Sql {
  readonly positionColumns: number
}

/** Makes the SELECT for up to `limit` results after `after`, a position of an earlier row. */
export function toStatement(
  query: Query,
  { after, limit }: { readonly after?: SqlRow; readonly limit: number },
): QueryStatement {
  const terms = termsOf(query.where)
  const scan = chooseScan(terms, query.source)
  const where = balanced(
    [
      scan.condition,
      ...terms
        .filter((term) => term !== scan.covers)
        .map((term) => toCondition(term, query.source)),
    ],
    'AND',
  )
  if (isAggregated(query)) return aggregated(query, { scan, where, limit, ...(after && { after }) })
  return perDocument(query, { scan, where, limit, ...(after && { after }) })
}

interface Plan {
  readonly scan: Scan
  readonly where: Sql
  readonly limit: number
  readonly after?: SqlRow
}

function termsOf(where: Expression | undefined): readonly Expression[] {
  if (!where) return []
  return where.kind === 'and' ? where.terms : [where]
}

function perDocument(query: Query, plan: Plan): QueryStatement {
  const { scan, limit } = plan
  const result = resultOf(query)
  const position = raw(scan.position.join(', '))
  const where = sql`${plan.where}${afterPosition(scan.position, plan.after)}`
  const positionColumns = scan.position.length
  if (!scan.needsSort) {
    const from = tables(scan, sql`${result} ${where}`)
    const rest = sql`WHERE ${where} ORDER BY ${position} LIMIT ${param(limit)}`
    return { ...sql`SELECT ${position}, ${result} FROM ${from} ${rest}`, positionColumns }
  }
  // Sorts ids, then makes results of those that are left.
  const inner = sql`SELECT ${position} AS id FROM ${tables(scan, sql`${position} ${where}`)}
    WHERE ${where} ORDER BY 1 LIMIT ${param(limit)}`
  const joinEntry = 'CROSS JOIN entry ON entry.id = page.id'
  const from = tables({ from: sql`(${inner}) AS page`, joinEntry }, sql`entry.id ${result}`)
  return { ...sql`SELECT entry.id, ${result} FROM ${from} ORDER BY page.id`, positionColumns: 1 }
}

/** The JSON text of what one document contributes. */
function resultOf({ select, source }: Query): Sql {
  if (select === '*') return sql`query_twin(${twinColumns(source)})`
  const values = select.map(({ value }) => pathText(value as Path, source))
  return rowOf(select, values)
}

function rowOf(items: readonly Item[], values: readonly Sql[]): Sql {
  const names = param(JSON.stringify(items.map(({ name }) => name)))
  return sql`query_row(${list([names, ...values])})`
}

function pathText({ keys }: Path, source: Source): Sql {
  return jsonTextOf(accessOf(keys, source))
}

/** Only results after a position; the columns may be `+`-ed, for the index is chosen already. */
function afterPosition(columns: readonly string[], after: SqlRow | undefined): Sql {
  if (!after) return raw('')
  const names = raw(columns.join(', '))
  return after.length === 1
    ? sql` AND ${names} > ${list(after.map(param))}`
    : sql` AND (${names}) > (${list(after.map(param))})`
}

/** Tables are joined only where `user` looks into them. CROSS JOIN keeps their order. */
function tables({ from, joinEntry }: Pick<Scan, 'from' | 'joinEntry'>, { text }: Sql): Sql {
  const usesReported = text.includes('reported.')
  const joins: string[] = []
  if (joinEntry && (usesReported || text.includes('entry.'))) joins.push(joinEntry)
  if (usesReported) joins.push('CROSS JOIN reported ON reported.id = entry.id')
  return sql`${from} ${raw(joins.join(' '))}`
}

function aggregated(query: Query, { scan, where, limit, after }: Plan): QueryStatement {
  const { groupBy, source } = query
  const items = query.select === '*' ? [] : query.select
  const key = groupBy ? pathText(groupBy, source) : raw("''")
  const numbers = items.map(({ value }, at) => {
    const of = value.kind === 'aggregate' ? value.of : undefined
    return of && sql`${numberOf(of, source)} AS ${raw(`n${at}`)}`
  })
  const columns = list([sql`${key} AS key`, ...numbers.filter((number) => number !== undefined)])
  const from = tables(scan, sql`${columns} ${where}`)
  // LIMIT keeps SQLite from merging it with what is around it, and looking for `key` many times.
  const inner = sql`SELECT ${columns} FROM ${from} WHERE ${where} LIMIT -1`
  const result = rowOf(
    items,
    items.map(({ value }, at) => raw(value.kind === 'path' ? 'key' : aggregateOf(value, at))),
  )
  if (!groupBy) return { ...sql`SELECT '', ${result} FROM (${inner})`, positionColumns: 1 }
  // Objects and arrays group nothing, and neither does NULL, which is undefined.
  const groups = sql`WHERE substr(key, 1, 1) NOT IN ('{', '[')${afterPosition(['key'], after)}
    GROUP BY key ORDER BY key LIMIT ${param(limit)}`
  return { ...sql`SELECT key, ${result} FROM (${inner}) ${groups}`, positionColumns: 1 }
}

function aggregateOf({ name, of }: Aggregate, at: number): string {
  return of ? `${name.toLowerCase()}(n${at})` : 'count(*)'
}

/** The property as a REAL, NULL when it is no number. */
function numberOf({ keys }: Path, source: Source): Sql {
  const access = accessOf(keys, source)
  if (access.kind === 'nothing' || access.kind === 'text') return raw('NULL')
  if (access.kind === 'number') return sql`CAST(${access.value} AS REAL)`
  if (access.kind === 'computed') {
    const { value } = access
    return sql`CASE WHEN json_type(${value}) IN ('integer', 'real') THEN CAST(${value} AS REAL) END`
  }
  const { column, path } = access
  return sql`CASE WHEN json_type(${column}, ${path}) IN ('integer', 'real')
    THEN CAST(${column} ->> ${path} AS REAL) END`
}

/**
 * A position as it was given out, checked as whoever sent it may have made it up.
 *
 * @throws {HubError} `ArgumentInvalid`
 */
export function readPosition(text: string, query: Query): SqlRow {
  const scan = chooseScan(termsOf(query.where), query.source)
  const columns = isAggregated(query) ? ['key'] : scan.position
  let values: unknown
  try {
    values = JSON.parse(text)
  } catch {
    values = undefined
  }
  const isPosition =
    Array.isArray(values) &&
    values.length === columns.length &&
    values.every((value) => typeof value === 'string' || typeof value === 'number')
  if (!isPosition) throw new HubError('ArgumentInvalid', 'The continuation token is not valid.')
  return values as SqlValue[]
}
