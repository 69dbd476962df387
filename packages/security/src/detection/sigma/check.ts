import type { Network } from './network.ts'
import type { Automaton } from './regex/automaton.ts'

export type TextComparison = 'equals' | 'contains' | 'startsWith' | 'endsWith'
export type NumberComparison = 'gt' | 'gte' | 'lt' | 'lte'

/** What is asked about one field. Texts are folded unless `isCased`. */
export type Check =
  | {
      readonly op: TextComparison
      readonly field: number
      readonly text: string
      readonly isCased: boolean
    }
  | {
      readonly op: 'automaton'
      readonly field: number
      readonly automaton: Automaton
      /** What makes it the same as another one. */
      readonly source: string
      readonly isFolded: boolean
      /** Texts, folded, of which each match has one; absent = not known. */
      readonly needed?: readonly string[]
    }
  | { readonly op: NumberComparison; readonly field: number; readonly value: number }
  | { readonly op: 'network'; readonly field: number; readonly network: Network }
  | { readonly op: 'exists'; readonly field: number }
  | {
      readonly op: 'field'
      readonly field: number
      readonly other: number
      readonly comparison: TextComparison
      readonly isCased: boolean
    }

/** What a rule asks, as written. */
export type Node =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Node[] }
  | { readonly kind: 'not'; readonly of: Node }
  | { readonly kind: 'check'; readonly check: Check }
  /** About what our events do not say. */
  | { readonly kind: 'unknown' }

export const UNKNOWN: Node = { kind: 'unknown' }

export function check(one: Check): Node {
  return { kind: 'check', check: one }
}

/** Equal for checks that ask the same. */
export function checkKey(one: Check): string {
  const { op, field } = one
  switch (one.op) {
    case 'automaton':
      return `${op} ${field} ${one.isFolded} ${one.source}`
    case 'network':
      return `${op} ${field} ${one.network.text}`
    case 'exists':
      return `${op} ${field}`
    case 'field':
      return `${op} ${field} ${one.other} ${one.comparison} ${one.isCased}`
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return `${op} ${field} ${one.value}`
    default:
      return `${op} ${field} ${one.isCased} ${one.text}`
  }
}
