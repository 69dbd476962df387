import type { Plan } from './certain.ts'
import type { Check } from './check.ts'
import { foldCase } from './fold.ts'

/** A folded text in a field. */
export interface Literal {
  readonly field: number
  readonly text: string
}

/** Alternatives of a rule beyond which looking for them pays no more. */
const MAX_ALTERNATIVES = 500

/**
 * Literals of which every event has one that a plan holds for; `undefined` when it may hold without
 * any. Of several such lists the one whose shortest text is longest, which is the rarest.
 *
 * @param common  fields that say the same few things in every event
 */
export function neededBy(
  plan: Plan,
  common: ReadonlySet<number> = new Set(),
): readonly Literal[] | undefined {
  switch (plan.kind) {
    case 'constant':
      return undefined
    case 'check':
      return plan.isWanted ? literalsOf(plan.check) : undefined
    case 'or': {
      const each = plan.of.map((one) => neededBy(one, common))
      const known = each.flatMap((literals) => (literals ? [literals] : []))
      const all = known.flat()
      return known.length === each.length && all.length <= MAX_ALTERNATIVES ? all : undefined
    }
    case 'and': {
      const each = plan.of.map((one) => neededBy(one, common))
      const known = each.flatMap((literals) => (literals ? [literals] : []))
      return known.sort((a, b) => rank(b, common) - rank(a, common))[0]
    }
  }
}

function rank(literals: readonly Literal[], common: ReadonlySet<number>): number {
  return Math.min(...literals.map(({ text, field }) => (common.has(field) ? 0 : text.length)))
}

/** One of them is in the field whenever the check holds. */
export function literalsOf(one: Check): readonly Literal[] | undefined {
  const { field } = one
  switch (one.op) {
    case 'equals':
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return [{ field, text: one.isCased ? foldCase(one.text) : one.text }]
    case 'automaton':
      return one.needed?.map((text) => ({ field, text }))
    default:
      return undefined
  }
}
