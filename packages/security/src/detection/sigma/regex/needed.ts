import { foldCase } from '../fold.ts'
import type { CharSet } from './char-set.ts'
import type { Pattern } from './pattern.ts'

/** Alternatives of one pattern that are told apart. */
const MAX_LITERALS = 20

/**
 * Texts, folded, of which one is in every text that a pattern matches; `undefined` when none is
 * known. The longest run of plain characters, or one of each alternative.
 */
export function neededLiterals(pattern: Pattern): readonly string[] | undefined {
  switch (pattern.kind) {
    case 'set':
    case 'sequence':
      return best(runsOf(partsOf(pattern)))
    case 'either': {
      const each = pattern.options.map(neededLiterals)
      const known = each.flatMap((literals) => (literals ? [literals] : []))
      if (known.length < each.length) return undefined
      return known.flat().length <= MAX_LITERALS ? known.flat() : undefined
    }
    case 'repeat':
      return pattern.min > 0 ? neededLiterals(pattern.body) : undefined
    case 'place':
      return undefined
  }
}

/** Parts in a row, those of groups among them. */
function partsOf(pattern: Pattern): readonly Pattern[] {
  return pattern.kind === 'sequence' ? pattern.parts.flatMap(partsOf) : [pattern]
}

function runsOf(parts: readonly Pattern[]): readonly (readonly string[])[] {
  const found: (readonly string[])[] = []
  let run = ''
  for (const part of parts) {
    const character = part.kind === 'set' ? characterOf(part.set) : undefined
    if (character !== undefined) {
      run += character
      continue
    }
    // A place has no character, so the run goes on behind it.
    if (part.kind === 'place') continue
    if (run !== '') found.push([run])
    run = ''
    const inner = part.kind === 'set' ? undefined : neededLiterals(part)
    if (inner) found.push(inner)
  }
  return run === '' ? found : [...found, [run]]
}

/** The one that has the longest shortest text: such are rarest. */
function best(found: readonly (readonly string[])[]): readonly string[] | undefined {
  const rated = found.map((texts) => ({ texts, rank: Math.min(...texts.map((one) => one.length)) }))
  return rated.sort((a, b) => b.rank - a.rank)[0]?.texts
}

/** The character of a set that has only one, or one in both cases. */
function characterOf(set: CharSet): string | undefined {
  const units = set.flatMap(([first, last]) => (last - first < 2 ? [first, last] : [-1, -2]))
  const folded = new Set(units.map((unit) => foldCase(String.fromCharCode(unit))))
  const [only] = folded
  return folded.size === 1 && set.every(([first, last]) => first === last) ? only : undefined
}
