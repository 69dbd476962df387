import { HubError, isJsonObject, type JsonObject, refKey } from '@twinward/protocol'
import type { Entry, QueryPage, QueryRows } from '../../registry/registry.ts'
import { isAggregated, type Query } from '../../twins/query/ast.ts'
import { matches } from '../../twins/query/evaluate.ts'
import { groupsOf, rowOf } from '../../twins/query/results.ts'
import { compareTexts } from '../../twins/query/values.ts'
import { serviceView } from '../../twins/view.ts'

interface Found {
  /** Its place in the order of results. */
  readonly key: string
  readonly document: JsonObject
  readonly text: string
}

/** Answers a query by looking at every document, in the order of their ids. */
export function queryEntries(
  entries: readonly Entry[],
  query: Query,
  { limit, after }: QueryPage,
): QueryRows {
  const found = entries
    .filter(({ ref }) => sourceOf(ref.moduleId) === query.source)
    .map(toFound)
    .filter(({ document }) => matches(query.where, document))
    .sort((a, b) => compareTexts(a.key, b.key))
  const from = after === undefined ? undefined : readPosition(after)
  const rows = resultsOf(query, found).filter(
    ({ key }) => from === undefined || compareTexts(key, from) > 0,
  )
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const texts = shown.map(({ text }) => text)
  if (!last || rows.length === shown.length) return { rows: texts }
  return { rows: texts, next: JSON.stringify([last.key]) }
}

function sourceOf(moduleId: string | undefined): Query['source'] {
  return moduleId === undefined ? 'devices' : 'devices.modules'
}

function toFound(entry: Entry): Found {
  const text = serviceView(entry, entry.identity.connected === true)
  const document: unknown = JSON.parse(text)
  if (!isJsonObject(document)) throw new Error('A twin is shown as something else than an object.')
  return { key: refKey(entry.ref), document, text }
}

function resultsOf(
  query: Query,
  found: readonly Found[],
): readonly { readonly key: string; readonly text: string }[] {
  const { select } = query
  if (isAggregated(query)) {
    return groupsOf(
      query,
      found.map(({ document }) => document),
    )
  }
  if (select === '*') return found
  return found.map(({ key, document }) => ({ key, text: rowOf(select, document) }))
}

function readPosition(text: string): string {
  try {
    const [key] = JSON.parse(text) as unknown[]
    if (typeof key === 'string') return key
  } catch {
    // Told below.
  }
  throw new HubError('ArgumentInvalid', 'The continuation token is not valid.')
}
