import type { CharSet } from './char-set.ts'

/** Where a pattern may stand, without a character of its own. */
export type Place = 'start' | 'end' | 'lineStart' | 'lineEnd' | 'wordEdge' | 'noWordEdge'

/** A regular expression, read. Each `set` is one UTF-16 code unit. */
export type Pattern =
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'place'; readonly place: Place }
  | { readonly kind: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'either'; readonly options: readonly Pattern[] }
  | {
      readonly kind: 'repeat'
      readonly body: Pattern
      readonly min: number
      /** `Infinity` for no end. */
      readonly max: number
    }

export const NOTHING: Pattern = { kind: 'sequence', parts: [] }

/** The text itself, unit by unit. */
export function literal(text: string): Pattern {
  const parts = Array.from({ length: text.length }, (_, at): Pattern => {
    const unit = text.charCodeAt(at)
    return { kind: 'set', set: [[unit, unit]] }
  })
  return { kind: 'sequence', parts }
}
