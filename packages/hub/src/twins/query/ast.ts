import type { JsonValue } from '@twinward/protocol'

/** What an expression yields; `undefined` for a property that is not there. */
export type Value = JsonValue | undefined
export type Primitive = string | number | boolean | null | undefined

export type ComparisonOperator = '=' | '!=' | '<' | '<=' | '>' | '>='

/** A property of the document: its keys from the root, canonical where the hub named them. */
export interface Path {
  readonly kind: 'path'
  readonly keys: readonly string[]
}

/** A condition, or a value inside one. Arithmetic operators are calls of functions so named. */
export type Expression =
  | { readonly kind: 'literal'; readonly value: Primitive }
  | Path
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Expression[] }
  | { readonly kind: 'not'; readonly of: Expression }
  | Comparison
  | Membership
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }

export interface Comparison {
  readonly kind: 'compare'
  readonly operator: ComparisonOperator
  readonly left: Expression
  readonly right: Expression
}

/** `of IN values`, or `of NIN values`. */
export interface Membership {
  readonly kind: 'in' | 'nin'
  readonly of: Expression
  readonly values: readonly Primitive[]
}

export type Source = 'devices' | 'devices.modules' | 'devices.jobs'

/**
 * What a condition is about. Those of message routing have operators and paths of their own, all of
 * them calls of functions: `||`, `??`, `[]` (an element of an array) and `.` (a member of what a call
 * yields).
 */
export type Subject = Source | 'messages'

export interface Aggregate {
  readonly kind: 'aggregate'
  readonly name: 'COUNT' | 'AVG' | 'SUM' | 'MIN' | 'MAX'
  /** Absent for COUNT, which counts documents. */
  readonly of?: Path
}

/** One member of a result object. */
export interface Item {
  readonly name: string
  readonly value: Path | Aggregate
}

export interface Query {
  readonly source: Source
  readonly select: '*' | readonly Item[]
  readonly top?: number
  readonly where?: Expression
  readonly groupBy?: Path
}

/** Whether the results are rows of groups, or of all documents together, not of one document each. */
export function isAggregated({ select, groupBy }: Query): boolean {
  if (groupBy) return true
  return select !== '*' && select.some(({ value }) => value.kind === 'aggregate')
}
