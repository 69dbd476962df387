import type { Expression, Primitive, Source } from '../../../twins/query/ast.ts'
import { raw, type Sql } from './sql.ts'

/** How the documents are found: one index, chosen by one term of the condition. */
export interface Scan {
  /** What is read first, with its index. */
  readonly from: Sql
  /** How `entry` is found from there, unless it is what is read first. */
  readonly joinEntry?: string
  readonly condition: Sql
  /** What orders the results and makes up a position in them. */
  readonly position: readonly string[]
  /** The index does not yield that order by itself. */
  readonly needsSort: boolean
  /** The term that `condition` says as exactly. */
  readonly covers?: Expression
}

/** `is_module` of the documents of a source. */
export function kindOf(source: Source): Sql {
  return raw(source === 'devices' ? '0' : '1')
}

/** A term that says which values a property may have: of `path = literal` one, of `IN` those. */
export function equality(
  term: Expression,
): { readonly keys: readonly string[]; readonly values: readonly Primitive[] } | undefined {
  if (term.kind === 'in' && term.of.kind === 'path') {
    return { keys: term.of.keys, values: term.values }
  }
  if (term.kind !== 'compare' || term.operator !== '=') return undefined
  const { left, right } = term
  if (left.kind === 'path' && right.kind === 'literal') {
    return { keys: left.keys, values: [right.value] }
  }
  if (left.kind === 'literal' && right.kind === 'path') {
    return { keys: right.keys, values: [left.value] }
  }
  return undefined
}
