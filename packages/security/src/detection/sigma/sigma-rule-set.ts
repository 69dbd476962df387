import type { SecurityRecord } from '../../ingestion/record.ts'
import type { AlertType, AnalysedRecord, RuleFinding, RuleSet } from '../rule.ts'
import { sigmaAlertType, sigmaTypeName } from './alert-type.ts'
import type { CompiledRule } from './compile.ts'
import { EVENT_CLASSES, type EventClass } from './event-class.ts'
import { Matcher } from './matcher.ts'
import { sigmaMatch } from './sigma-match.ts'
import type { SigmaRule } from './sigma-rule.ts'

/** How often a rule has held since the start, and when last (ms since the epoch; 0 for never). */
export interface Hits {
  readonly count: number
  readonly lastMs: number
}

interface Judged {
  readonly rule: SigmaRule
  readonly type: AlertType
}

interface ClassMatcher {
  readonly eventClass: EventClass
  readonly rules: readonly Judged[]
  readonly matcher: Matcher
}

/**
 * The enabled, supported Sigma rules, judged together. `replace` takes effect with the next
 * record.
 */
export class SigmaRuleSet implements RuleSet {
  #byKind = new Map<SecurityRecord['kind'], readonly ClassMatcher[]>()
  #kinds: readonly SecurityRecord['kind'][] = []
  #ids: ReadonlyMap<string, string> = new Map()
  readonly #hits = new Map<string, Hits>()

  constructor(rules: readonly CompiledRule[] = []) {
    this.replace(rules)
  }

  get kinds(): readonly SecurityRecord['kind'][] {
    return this.#kinds
  }

  /** Steps of the indexes so far, for the tests of their number. */
  get steps(): number {
    const all = new Set([...this.#byKind.values()].flat())
    return [...all].reduce((sum, { matcher }) => sum + matcher.steps, 0)
  }

  hitsOf(id: string): Hits {
    return this.#hits.get(id) ?? { count: 0, lastMs: 0 }
  }

  replace(rules: readonly CompiledRule[]): void {
    const matchers = EVENT_CLASSES.flatMap((eventClass) => {
      const own = rules.filter(({ plan }) => plan?.eventClass === eventClass)
      if (own.length === 0) return []
      const plans = own.flatMap(({ plan }) => (plan ? [plan.root] : []))
      const judged = own.map(({ rule }) => ({ rule, type: sigmaAlertType(rule) }))
      const matcher = new Matcher(plans, eventClass.fields)
      return [{ eventClass, rules: judged, matcher }]
    })
    const kinds = new Set(matchers.flatMap(({ eventClass }) => eventClass.kinds))
    this.#byKind = new Map(
      [...kinds].map((kind) => [
        kind,
        matchers.filter(({ eventClass }) => eventClass.kinds.includes(kind)),
      ]),
    )
    this.#kinds = [...kinds]
    this.#ids = new Map(rules.map(({ rule }) => [sigmaTypeName(rule.id), rule.id]))
    const known = new Set(this.#ids.values())
    for (const id of this.#hits.keys()) if (!known.has(id)) this.#hits.delete(id)
  }

  evaluate(analysed: AnalysedRecord): readonly RuleFinding[] {
    const matchers = this.#byKind.get(analysed.record.kind)
    if (!matchers) return NOTHING
    const found: RuleFinding[] = []
    for (const { eventClass, rules, matcher } of matchers) {
      let holding: readonly number[] = []
      for (const view of eventClass.read(analysed.record)) {
        const numbers = matcher.match(view)
        if (numbers.length > 0) holding = [...new Set([...holding, ...numbers])]
      }
      for (const number of holding) {
        const judged = rules[number]
        const match = judged && sigmaMatch(analysed, judged.rule)
        if (!match) continue
        found.push({ rule: { type: judged.type }, match })
      }
    }
    return found
  }

  note({ rule, record }: Parameters<RuleSet['note']>[0]): void {
    const id = this.#ids.get(rule.type.alertType)
    if (id === undefined) return
    const { count, lastMs } = this.hitsOf(id)
    this.#hits.set(id, { count: count + 1, lastMs: Math.max(lastMs, record.header.timeMs) })
  }
}

const NOTHING: readonly RuleFinding[] = []
