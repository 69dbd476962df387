import { MAX_PAGE_CHARACTERS } from '../../data/finding-limits.ts'
import type { AgentPlace, Page } from '../../data/finding-store.ts'
import {
  checkLimit,
  formatPageToken,
  type ListName,
  type Place,
  parsePageToken,
} from '../../data/page-token.ts'
import type { Alert, Severity } from '../../detection/alert.ts'
import type { Recommendation } from '../../recommendations/recommendation.ts'

/** The order of findings in lists, their pages and their counts. */

export function isAsked<T>(asked: T | undefined, value: T): boolean {
  return asked === undefined || asked === value
}

export function placeOfAlert({ endTimeMs, id }: Alert): Place {
  return { order: endTimeMs, id }
}

export function placeOfRecommendation({ stateChangedMs, id }: Recommendation): Place {
  return { order: stateChangedMs, id }
}

export function compare(a: Place, b: Place): number {
  return b.order - a.order || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

interface PageRequest {
  readonly list: ListName
  readonly limit: number
  readonly continuationToken?: string
}

export function pageOf<T>(
  found: readonly T[],
  { list, limit, continuationToken }: PageRequest,
  placeOf: (item: T) => Place,
): Page<T> {
  checkLimit(limit)
  const after =
    continuationToken === undefined ? undefined : parsePageToken(list, continuationToken)
  const rest = after ? found.filter((item) => compare(placeOf(item), after) > 0) : found
  const items: T[] = []
  let characters = 0
  for (const item of rest) {
    if (items.length === limit || characters >= MAX_PAGE_CHARACTERS) break
    characters += JSON.stringify(item).length
    items.push(item)
  }
  const last = items.at(-1)
  const hasMore = last !== undefined && items.length < rest.length
  return { items, continuationToken: hasMore ? formatPageToken(list, placeOf(last)) : null }
}

export function countBySeverity(findings: readonly { readonly severity: Severity }[]) {
  const counts = { Informational: 0, Low: 0, Medium: 0, High: 0 }
  for (const { severity } of findings) counts[severity]++
  return counts
}

export function byLastMessage(a: AgentPlace, b: AgentPlace): number {
  return (
    a.lastMessageMs - b.lastMessageMs ||
    (a.deviceId < b.deviceId ? -1 : Number(a.deviceId > b.deviceId))
  )
}

export function isOpen({ status }: Alert): boolean {
  return status === 'Active' || status === 'InProgress'
}
