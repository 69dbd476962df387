import { EVERY } from './regex/char-set.ts'
import { literal, type Pattern } from './regex/pattern.ts'

/** Part of a value: text as it is, `*` or `?`. */
export type Piece = string | { readonly wildcard: '*' | '?' }

export const ANYTHING: Piece = { wildcard: '*' }

/**
 * Reads a value: `*` is any text and `?` one character; a backslash before either, or before
 * another backslash, takes its meaning; any other backslash is itself.
 */
export function readPieces(value: string): readonly Piece[] {
  const pieces: Piece[] = []
  let text = ''
  for (let at = 0; at < value.length; at++) {
    const character = value.charAt(at)
    const next = value.charAt(at + 1)
    if (character === '\\' && (next === '*' || next === '?' || next === '\\')) {
      text += next
      at++
    } else if (character === '*' || character === '?') {
      if (text !== '') pieces.push(text)
      text = ''
      pieces.push({ wildcard: character })
    } else text += character
  }
  return text === '' ? pieces : [...pieces, text]
}

/** Without stars beside stars, which say nothing more. */
export function withoutDoubles(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.filter((piece, at) => !(isStar(piece) && isStar(pieces[at - 1])))
}

export function isStar(piece: Piece | undefined): boolean {
  return typeof piece === 'object' && piece.wildcard === '*'
}

/** As a pattern that has to match the whole text. */
export function patternOf(pieces: readonly Piece[]): Pattern {
  const any: Pattern = { kind: 'set', set: EVERY }
  const parts = pieces.map((piece): Pattern => {
    if (typeof piece === 'string') return literal(piece)
    if (piece.wildcard === '?') return any
    return { kind: 'repeat', body: any, min: 0, max: Number.POSITIVE_INFINITY }
  })
  const start: Pattern = { kind: 'place', place: 'start' }
  const end: Pattern = { kind: 'place', place: 'end' }
  // What is free at an end needs no anchor there, and without one less is remembered.
  const head = isStar(pieces[0]) ? parts.slice(1) : [start, ...parts]
  return { kind: 'sequence', parts: isStar(pieces.at(-1)) ? head.slice(0, -1) : [...head, end] }
}
