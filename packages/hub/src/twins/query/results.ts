import type { JsonObject } from '@twinward/protocol'
import type { Aggregate, Item, Path, Query, Value } from './ast.ts'
import { valueAt } from './evaluate.ts'
import { compareTexts, isPrimitive } from './values.ts'

/** The members that a query selects of one document, as JSON text; missing ones are absent. */
export function rowOf(items: readonly Item[], document: JsonObject): string {
  return rowText(
    items.map(({ name }) => name),
    items.map(({ value }) => textOf(valueAt(document, (value as Path).keys))),
  )
}

/** @param values  JSON texts in the order of `names`; `undefined` and `null` leave the member out */
export function rowText(
  names: readonly string[],
  values: readonly (string | null | undefined)[],
): string {
  const members: string[] = []
  for (const [at, name] of names.entries()) {
    const value = values[at]
    if (value !== undefined && value !== null) members.push(`${JSON.stringify(name)}:${value}`)
  }
  return `{${members.join(',')}}`
}

/** One row of a query with aggregates: `key` is the JSON text of what its documents share. */
export interface Group {
  readonly key: string
  readonly text: string
}

/**
 * The rows of a query with aggregates over the documents that met its condition: one in all, or one
 * per value of GROUP BY in the order of their JSON texts. Missing values, objects and arrays group
 * nothing (07 §3.3).
 */
export function groupsOf(query: Query, documents: Iterable<JsonObject>): readonly Group[] {
  const { select, groupBy } = query
  const items = select === '*' ? [] : select
  const groups = new Map<string, JsonObject[]>()
  if (!groupBy) groups.set('', [...documents])
  else {
    for (const document of documents) {
      const value = valueAt(document, groupBy.keys)
      if (!isPrimitive(value)) continue
      const key = JSON.stringify(value)
      const members = groups.get(key)
      if (members) members.push(document)
      else groups.set(key, [document])
    }
  }
  const names = items.map(({ name }) => name)
  return [...groups]
    .sort(([a], [b]) => compareTexts(a, b))
    .map(([key, members]) => ({
      key,
      text: rowText(
        names,
        items.map(({ value }) => (value.kind === 'path' ? key : textOf(aggregate(value, members)))),
      ),
    }))
}

/** Numbers only; of none there is neither a sum nor an average (07 §3.2). */
function aggregate({ name, of }: Aggregate, documents: readonly JsonObject[]): Value {
  if (!of) return documents.length
  const numbers = documents
    .map((document) => valueAt(document, of.keys))
    .filter((value): value is number => typeof value === 'number')
  if (numbers.length === 0) return undefined
  if (name === 'MIN') return numbers.reduce((a, b) => Math.min(a, b))
  if (name === 'MAX') return numbers.reduce((a, b) => Math.max(a, b))
  const sum = numbers.reduce((a, b) => a + b)
  const result = name === 'SUM' ? sum : sum / numbers.length
  return Number.isFinite(result) ? result : undefined
}

function textOf(value: Value): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}
