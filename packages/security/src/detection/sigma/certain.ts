import type { Check, Node } from './check.ts'

/** What is left of a rule: checks that hold or do not, without negation of anything larger. */
export type Plan =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Plan[] }
  | { readonly kind: 'check'; readonly check: Check; readonly isWanted: boolean }
  | { readonly kind: 'constant'; readonly value: boolean }

const NEVER: Plan = { kind: 'constant', value: false }

/**
 * When a rule holds for certain, whatever the fields that our events do not have would have said
 * (Kleene's three values): an `or` by its other branches, an `and` never, and an exclusion by
 * such a field never; a rule that would have excluded more does not fire where it cannot tell.
 *
 * @returns the constant `false` when it never can
 */
export function certainly(node: Node, isWanted = true): Plan {
  switch (node.kind) {
    case 'unknown':
      return NEVER
    case 'check':
      return { kind: 'check', check: node.check, isWanted }
    case 'not':
      return certainly(node.of, !isWanted)
    default: {
      const isAnd = (node.kind === 'and') === isWanted
      const of = node.of.map((each) => certainly(each, isWanted))
      return simplified(isAnd ? 'and' : 'or', of)
    }
  }
}

function simplified(kind: 'and' | 'or', of: readonly Plan[]): Plan {
  const decisive = kind === 'or'
  const isDecided = of.some((plan) => plan.kind === 'constant' && plan.value === decisive)
  if (isDecided) return { kind: 'constant', value: decisive }
  const rest = of.filter((plan) => plan.kind !== 'constant')
  const flat = rest.flatMap((plan) => (plan.kind === kind ? plan.of : [plan]))
  const [only] = flat
  if (!only) return { kind: 'constant', value: !decisive }
  return flat.length === 1 ? only : { kind, of: flat }
}
