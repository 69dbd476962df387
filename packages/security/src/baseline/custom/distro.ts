/** Longer expressions are refused. */
const MAX_DISTRO_CHARACTERS = 256
const MAX_ALTERNATIVES = 20

const TERM =
  /^(!?)([A-Za-z][A-Za-z0-9_.-]{0,63})(?:\s*(>=|<=|=|<|>)\s*(\d{1,5}(?:\.\d{1,5}){0,3}))?$/

/** One alternative: a distribution, perhaps of some versions, or any but that. */
export interface DistroTerm {
  readonly isNot: boolean
  readonly name: string
  readonly compare?: '>=' | '<=' | '=' | '<' | '>'
  readonly version?: string
}

/**
 * Reads which distributions a check is for: `*`, or alternatives such as `Debian>=11|!SLES`. Pure.
 *
 * @returns `undefined` for what is no such expression; an empty list for `*`
 */
export function readDistro(text: string): readonly DistroTerm[] | undefined {
  if (text.length > MAX_DISTRO_CHARACTERS) return undefined
  if (text.trim() === '*') return []
  const alternatives = text.split('|')
  if (alternatives.length > MAX_ALTERNATIVES) return undefined
  const terms = alternatives.map((alternative) => readTerm(alternative.trim()))
  return terms.every((term) => term !== undefined) ? terms : undefined
}

function readTerm(text: string): DistroTerm | undefined {
  const [, not, name, compare, version] = TERM.exec(text) ?? []
  if (name === undefined) return undefined
  const isCompared = compare !== undefined && version !== undefined
  return {
    ...{ isNot: not === '!', name },
    ...(isCompared && { compare: compare as NonNullable<DistroTerm['compare']>, version }),
  }
}
