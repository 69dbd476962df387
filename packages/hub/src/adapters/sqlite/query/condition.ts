import type {
  Comparison,
  ComparisonOperator,
  Expression,
  Membership,
  Primitive,
  Source,
} from '../../../twins/query/ast.ts'
import { compare, typeOf } from '../../../twins/query/values.ts'
import { type Access, accessOf, jsonTextOf } from './columns.ts'
import { balanced, list, param, raw, type Sql, sql } from './sql.ts'

/** JSON types in SQLite's words, of what can be compared. */
const JSON_TYPES: Readonly<Record<string, string>> = {
  string: "'text'",
  number: "'integer', 'real'",
  boolean: "'true', 'false'",
}

/** Type tests, as SQLite's JSON types. */
const TYPE_TESTS: Readonly<Record<string, string>> = {
  IS_NULL: "'null'",
  IS_BOOL: "'true', 'false'",
  IS_NUMBER: "'integer', 'real'",
  IS_STRING: "'text'",
  IS_ARRAY: "'array'",
  IS_OBJECT: "'object'",
  IS_PRIMITIVE: "'null', 'true', 'false', 'integer', 'real', 'text'",
}

const FLIPPED: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}

const FALSE = raw('0')
const TRUE = raw('1')

/**
 * A condition as SQL that is 1 where `evaluate` is `true`, and 0 everywhere else, never NULL.
 *
 * What SQL can say exactly, it says: JSON text is compared with the text of a literal, because both
 * were written by JSON.stringify. The rest goes through `functions.ts`.
 */
export function toCondition(expression: Expression, source: Source): Sql {
  switch (expression.kind) {
    case 'literal':
      return expression.value === true ? TRUE : FALSE
    case 'and':
    case 'or':
      return balanced(
        expression.terms.map((term) => toCondition(term, source)),
        expression.kind === 'and' ? 'AND' : 'OR',
      )
    case 'not':
      return sql`(NOT ${toCondition(expression.of, source)})`
    case 'compare':
      return toComparison(expression, source)
    case 'in':
    case 'nin':
      return toMembership(expression, source)
    case 'path':
      return sql`(${toValue(expression, source)} IS 'true')`
    case 'call':
      return toTypeTest(expression, source) ?? sql`(${toValue(expression, source)} IS 'true')`
  }
}

/** An expression as SQL that yields JSON text, NULL for undefined. */
function toValue(expression: Expression, source: Source): Sql {
  switch (expression.kind) {
    case 'literal':
      return param(expression.value === undefined ? null : JSON.stringify(expression.value))
    case 'path':
      return jsonTextOf(accessOf(expression.keys, source))
    case 'call': {
      const args = expression.args.map((arg) => toValue(arg, source))
      return sql`query_call(${list([param(expression.name), ...args])})`
    }
    default:
      return sql`CASE WHEN ${toCondition(expression, source)} THEN 'true' ELSE 'false' END`
  }
}

function toComparison({ operator, left, right }: Comparison, source: Source): Sql {
  if (left.kind === 'path' && right.kind === 'literal') {
    return ofProperty(accessOf(left.keys, source), operator, right.value)
  }
  if (left.kind === 'literal' && right.kind === 'path') {
    return ofProperty(accessOf(right.keys, source), FLIPPED[operator], left.value)
  }
  const [a, b] = [toValue(left, source), toValue(right, source)]
  return sql`query_compare(${param(operator)}, ${a}, ${b})`
}

function ofProperty(access: Access, operator: ComparisonOperator, value: Primitive): Sql {
  const type = typeOf(value)
  const hasOrder = type === 'number' || type === 'string'
  const isEquality = operator === '=' || operator === '!='
  if (access.kind === 'nothing' || value === undefined || !(hasOrder || isEquality)) return FALSE
  if (access.kind === 'text' || access.kind === 'number') {
    const isSameType = type === (access.kind === 'text' ? 'string' : 'number')
    return isSameType ? sql`(${access.value} ${raw(operator)} ${plain(value)})` : FALSE
  }
  const text = param(JSON.stringify(value))
  if (operator === '=') return sql`(${jsonTextOf(access)} IS ${text})`
  if (access.kind === 'computed') {
    return sql`query_compare(${param(operator)}, ${access.value}, ${text})`
  }
  // Null differs from no other null, and what is not null cannot be compared with it.
  const types = JSON_TYPES[type]
  if (types === undefined) return FALSE
  const { column, path } = access
  const comparison =
    operator === '!='
      ? sql`(${column} -> ${path}) <> ${text}`
      : sql`(${column} ->> ${path}) ${raw(operator)} ${plain(value)}`
  return sql`(json_type(${column}, ${path}) IN (${raw(types)}) AND ${comparison}) IS TRUE`
}

/** A string or a number as SQL has it. */
function plain(value: Primitive): Sql {
  return param(value as string | number)
}

function toMembership({ kind, of, values }: Membership, source: Source): Sql {
  const known = values.filter((value) => value !== undefined)
  if (of.kind === 'literal') {
    const isIn = known.some((value) => compare('=', of.value, value))
    return isIn === (kind === 'in') && of.value !== undefined ? TRUE : FALSE
  }
  const access = of.kind === 'path' ? accessOf(of.keys, source) : undefined
  if (access?.kind === 'text' || access?.kind === 'number') {
    const type = access.kind === 'text' ? 'string' : 'number'
    const same = known.filter((value) => typeof value === type).map(plain)
    const negation = raw(kind === 'in' ? '' : 'NOT')
    return sql`(${access.value} ${negation} IN (${list(same)}))`
  }
  const value = toValue(of, source)
  const texts = list(known.map((each) => param(JSON.stringify(each))))
  if (kind === 'in') return sql`(${value} IN (${texts})) IS TRUE`
  const isPrimitive = sql`substr(${value}, 1, 1) NOT IN ('{', '[')`
  return sql`(${isPrimitive} AND ${value} NOT IN (${texts})) IS TRUE`
}

/** A function that asks for the type of a property: SQLite knows it. */
function toTypeTest(
  { name, args }: Extract<Expression, { kind: 'call' }>,
  source: Source,
): Sql | undefined {
  const [arg] = args
  if (arg?.kind !== 'path') return undefined
  const access = accessOf(arg.keys, source)
  if (name === 'IS_DEFINED') return sql`(${jsonTextOf(access)} IS NOT NULL)`
  const types = Object.hasOwn(TYPE_TESTS, name) ? TYPE_TESTS[name] : undefined
  if (types === undefined || access.kind !== 'json') return undefined
  return sql`(json_type(${access.column}, ${access.path}) IN (${raw(types)})) IS TRUE`
}
