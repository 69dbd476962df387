import type { ComparisonOperator, Expression, Primitive, Source } from '../../../twins/query/ast.ts'
import { equality, kindOf, type Scan } from './scan-parts.ts'
import { list, param, raw, type Sql, sql } from './sql.ts'

/** Characters of a text that `tag_leaf` keeps (schema/query.ts). */
const KEPT_CHARACTERS = 128
/** Names whose path in `tag_leaf` is their own alone; the others are found without an index. */
const INDEXED_KEY = /^[^."\\[\]]+$/

const FLIPPED: Readonly<Partial<Record<ComparisonOperator, ComparisonOperator>>> = {
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}

/** Finds documents by `tags.x = …`, `tags.x IN […]` (`equal`) or `tags.x < …` (`range`). */
export function findTagScan(
  term: Expression,
  source: Source,
  kind: 'equal' | 'range',
): Scan | undefined {
  return kind === 'equal' ? equalScan(term, source) : rangeScan(term, source)
}

function equalScan(term: Expression, source: Source): Scan | undefined {
  const { keys = [], values = [] } = equality(term) ?? {}
  const path = pathOf(keys)
  // No tag is null or undefined: such a value finds nothing in the index either.
  const wanted = values.filter((value) => value !== undefined && value !== null)
  if (path === undefined) return undefined
  const distinct = [
    ...new Map(wanted.map((value) => [`${typeof value}${kept(value)}`, value])).values(),
  ]
  const leaves = distinct.map(leafValue)
  const [first] = leaves
  const condition =
    first && leaves.length === 1 ? sql`leaf.value = ${first}` : sql`leaf.value IN (${list(leaves)})`
  return {
    ...leafScan(path, source, condition),
    position: ['leaf.id'],
    needsSort: leaves.length > 1,
    ...(wanted.every(isWhole) && { covers: term }),
  }
}

/** In the order of the values, where a range of them is one piece of the index. */
function rangeScan(term: Expression, source: Source): Scan | undefined {
  const { keys, operator, value } = ordering(term) ?? {}
  const path = pathOf(keys ?? [])
  if (path === undefined || operator === undefined || value === undefined) return undefined
  // Of a text that was cut, only so much is known.
  const sign = raw(isWhole(value) ? operator : `${operator[0]}=`)
  // Numbers, then texts, then blobs: the other end of the range is the end of its type.
  const isNumber = typeof value === 'number'
  const [lowest, highest] = isNumber ? [raw('-9e999'), raw("''")] : [raw("''"), raw("x''")]
  const other = operator.startsWith('>')
    ? sql`leaf.value < ${highest}`
    : sql`leaf.value >= ${lowest}`
  return {
    ...leafScan(path, source, sql`leaf.value ${sign} ${leafValue(value)} AND ${other}`),
    position: ['leaf.value', 'leaf.id'],
    needsSort: false,
    ...(isWhole(value) && { covers: term }),
  }
}

function ordering(term: Expression) {
  if (term.kind !== 'compare') return undefined
  const { left, right } = term
  const [path, literal] = left.kind === 'path' ? [left, right] : [right, left]
  if (path.kind !== 'path' || literal.kind !== 'literal') return undefined
  const flipped = FLIPPED[term.operator]
  if (flipped === undefined) return undefined
  const operator = path === left ? term.operator : flipped
  const { value } = literal
  if (typeof value !== 'number' && typeof value !== 'string') return undefined
  return { keys: path.keys, operator, value }
}

function leafScan(
  path: string,
  source: Source,
  ofValue: Sql,
): Pick<Scan, 'from' | 'joinEntry' | 'condition'> {
  const condition = sql`leaf.is_module = ${kindOf(source)} AND leaf.path = ${param(path)}
    AND ${ofValue}`
  const joinEntry = 'CROSS JOIN entry ON entry.id = leaf.id'
  return { from: raw('tag_leaf AS leaf'), joinEntry, condition }
}

/** The path of a tag in `tag_leaf`, if it can be looked up there. */
function pathOf([first, ...keys]: readonly string[]): string | undefined {
  const isIndexed =
    first === 'tags' && keys.length > 0 && keys.every((key) => INDEXED_KEY.test(key))
  return isIndexed ? keys.join('.') : undefined
}

function leafValue(value: Primitive): Sql {
  if (typeof value === 'boolean') return raw(value ? "x'01'" : "x'00'")
  return param(kept(value) as string | number)
}

function kept(value: Primitive): Primitive {
  if (typeof value !== 'string' || value.length <= KEPT_CHARACTERS) return value
  return [...value].slice(0, KEPT_CHARACTERS).join('')
}

/** Whether the index knows the value to its end. */
function isWhole(value: Primitive): boolean {
  // UTF-16 code units are at least as many as characters.
  return typeof value !== 'string' || value.length < KEPT_CHARACTERS
}
