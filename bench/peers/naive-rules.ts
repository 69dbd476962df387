import { withCommand } from '../../packages/security/src/detection/evaluate.ts'
import type { Plan } from '../../packages/security/src/detection/sigma/certain.ts'
import type { Check } from '../../packages/security/src/detection/sigma/check.ts'
import type { CompiledRule } from '../../packages/security/src/detection/sigma/compile.ts'
import type { View } from '../../packages/security/src/detection/sigma/event-class.ts'
import { isInNetwork } from '../../packages/security/src/detection/sigma/network.ts'
import { sigmaMatch } from '../../packages/security/src/detection/sigma/sigma-match.ts'
import type { SecurityRecord } from '../../packages/security/src/ingestion/record.ts'

/**
 * The same Sigma rules as one would write them by hand: one after the other, with `includes` and the
 * like on fields that were made lower case once, and JavaScript's regular expressions.
 */
export function naiveRules(rules: readonly CompiledRule[]): (record: SecurityRecord) => number {
  const judged = rules.flatMap(({ rule, plan }) =>
    plan ? [{ rule, eventClass: plan.eventClass, holds: holdsOf(plan.root) }] : [],
  )
  const classes = [...new Set(judged.map(({ eventClass }) => eventClass))]
  return (record) => {
    let found = 0
    for (const eventClass of classes) {
      if (!eventClass.kinds.includes(record.kind)) continue
      for (const view of eventClass.read(record)) {
        const folded = view.map((text) => text?.toLowerCase())
        for (const one of judged) {
          if (one.eventClass !== eventClass || !one.holds(view, folded)) continue
          if (sigmaMatch(withCommand(record), one.rule)) found++
        }
      }
    }
    return found
  }
}

type Holds = (view: View, folded: View) => boolean

function holdsOf(plan: Plan): Holds {
  switch (plan.kind) {
    case 'constant':
      return () => plan.value
    case 'check': {
      const holds = checkOf(plan.check)
      return plan.isWanted ? holds : (view, folded) => !holds(view, folded)
    }
    case 'and': {
      const of = plan.of.map(holdsOf)
      return (view, folded) => of.every((holds) => holds(view, folded))
    }
    case 'or': {
      const of = plan.of.map(holdsOf)
      return (view, folded) => of.some((holds) => holds(view, folded))
    }
  }
}

function checkOf(check: Check): Holds {
  const { field } = check
  switch (check.op) {
    case 'exists':
      return (view) => (view[field] ?? '') !== ''
    case 'automaton': {
      const expression = expressionOf(check.source)
      return (view) => expression.test(view[field] ?? '')
    }
    case 'network':
      return (view) => isInNetwork(check.network, view[field] ?? '')
    case 'field':
      return (_view, folded) => folded[field] !== undefined && folded[field] === folded[check.other]
    case 'gt':
      return (view) => Number(view[field] || Number.NaN) > check.value
    case 'gte':
      return (view) => Number(view[field] || Number.NaN) >= check.value
    case 'lt':
      return (view) => Number(view[field] || Number.NaN) < check.value
    case 'lte':
      return (view) => Number(view[field] || Number.NaN) <= check.value
    default: {
      const { text, isCased, op } = check
      const method = op === 'contains' ? 'includes' : op
      return (view, folded) => {
        const value = (isCased ? view : folded)[field] ?? ''
        return method === 'equals' ? value === text : value[method](text)
      }
    }
  }
}

/** As the check names it: `regex <flags> <text>`, or `wildcard <pieces>`. */
function expressionOf(source: string): RegExp {
  const regex = /^regex ([ims]*) (.*)$/s.exec(source)
  if (regex) return new RegExp(regex[2] ?? '', regex[1])
  const pieces = JSON.parse(source.slice('wildcard '.length)) as (string | { wildcard: string })[]
  const text = pieces.map((piece) => {
    if (typeof piece === 'string') return piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    return piece.wildcard === '*' ? '.*' : '.'
  })
  return new RegExp(`^${text.join('')}$`, 'is')
}
