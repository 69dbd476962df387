import type { Plan } from './certain.ts'
import { type Check, checkKey } from './check.ts'
import type { Field, View } from './event-class.ts'
import { contains } from './find.ts'
import { foldCase } from './fold.ts'
import { MAX_FIELD_CHARACTERS } from './limits.ts'
import { LiteralIndex } from './literal-index.ts'
import { type Literal, literalsOf, neededBy } from './needs.ts'
import { isInNetwork } from './network.ts'

/** A plan whose checks have numbers. */
type Step =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Step[] }
  | { readonly kind: 'check'; readonly check: number; readonly isWanted: boolean }
  | { readonly kind: 'constant'; readonly value: boolean }

/** A check, and the number of its literal's place when it has exactly one. */
interface NumberedCheck {
  readonly check: Check
  readonly place: number
}

const NOWHERE = -1
const NONE: readonly number[] = []

/**
 * Which of many plans of one class of events hold for an event. One pass over each field finds the
 * literals of all plans; only plans that have one of what they need are looked at, and a check that
 * several plans share is made once.
 */
export class Matcher {
  readonly #steps: Step[] = []
  readonly #checks: NumberedCheck[] = []
  readonly #index: LiteralIndex
  readonly #fieldCount: number
  /** Fields in which a literal is looked for. */
  readonly #scanned: readonly number[]
  /** By place (literal and field): plans that need it. */
  readonly #needers: (readonly number[])[] = []
  readonly #always: readonly number[]
  // What is known about the event at hand holds while its round is the current one.
  #round = 0
  readonly #placeRound: Float64Array
  readonly #planRound: Float64Array
  readonly #checkRound: Float64Array
  readonly #checkValue: Uint8Array
  readonly #foldedRound: Float64Array
  readonly #folded: string[] = []
  #view: View = []
  #field = 0
  #candidates: number[] = []
  readonly #found = (literal: number): void => this.#note(literal)

  /** @param fields  of the class */
  constructor(plans: readonly Plan[], fields: readonly Field[]) {
    const fieldCount = fields.length
    this.#fieldCount = fieldCount
    this.#foldedRound = new Float64Array(fieldCount)
    const common = new Set(fields.flatMap(({ only }, field) => (only ? [field] : [])))
    const numbers = new Map<string, number>()
    const needs = plans.map((plan) => neededBy(plan, common))
    const texts = new Map<string, number>()
    const placeOf = ({ text, field }: Literal) => {
      const number = texts.get(text) ?? texts.size
      texts.set(text, number)
      return number * fieldCount + field
    }
    const places = new Set<number>()
    for (const check of plans.flatMap(checksOf)) {
      const key = checkKey(check)
      if (numbers.has(key)) continue
      const literals = literalsOf(check)
      const [only] = literals ?? []
      const place = literals?.length === 1 && only ? placeOf(only) : NOWHERE
      if (place !== NOWHERE) places.add(place)
      numbers.set(key, this.#checks.push({ check, place }) - 1)
    }
    const needers = new Map<number, number[]>()
    for (const [plan, literals] of needs.entries()) {
      for (const place of new Set((literals ?? []).map(placeOf))) {
        places.add(place)
        needers.set(place, [...(needers.get(place) ?? []), plan])
      }
    }
    this.#steps = plans.map((plan) => numbered(plan, numbers))
    this.#always = needs.flatMap((literals, plan) => (literals ? [] : [plan]))
    this.#index = new LiteralIndex([...texts.keys()])
    const placeCount = texts.size * fieldCount
    this.#needers = Array.from({ length: placeCount }, (_, place) => needers.get(place) ?? NONE)
    this.#scanned = [...new Set([...places].map((place) => place % fieldCount))]
    this.#placeRound = new Float64Array(placeCount)
    this.#planRound = new Float64Array(plans.length)
    this.#checkRound = new Float64Array(this.#checks.length)
    this.#checkValue = new Uint8Array(this.#checks.length)
  }

  /** Steps of the index so far, for the tests of their number. */
  get steps(): number {
    return this.#index.steps
  }

  /** Numbers of the plans that hold, ascending. */
  match(view: View): readonly number[] {
    this.#round++
    this.#view = view
    this.#candidates = [...this.#always]
    for (const field of this.#scanned) {
      if (!view[field]) continue
      this.#field = field
      this.#index.scan(this.#foldedText(field), this.#found)
    }
    if (this.#candidates.length === 0) return NONE
    const holding = this.#candidates.filter((plan) => {
      const step = this.#steps[plan]
      return step !== undefined && this.#holds(step)
    })
    return holding.length < 2 ? holding : holding.sort((a, b) => a - b)
  }

  #note(literal: number): void {
    const place = literal * this.#fieldCount + this.#field
    this.#placeRound[place] = this.#round
    for (const plan of this.#needers[place] ?? NONE) {
      if (this.#planRound[plan] === this.#round) continue
      this.#planRound[plan] = this.#round
      this.#candidates.push(plan)
    }
  }

  #holds(step: Step): boolean {
    switch (step.kind) {
      case 'constant':
        return step.value
      case 'check':
        return this.#checkHolds(step.check) === step.isWanted
      case 'and':
        for (const each of step.of) if (!this.#holds(each)) return false
        return true
      case 'or':
        for (const each of step.of) if (this.#holds(each)) return true
        return false
    }
  }

  #checkHolds(number: number): boolean {
    const one = this.#checks[number]
    if (!one) return false
    const { check, place } = one
    if (place !== NOWHERE) {
      // Without its literal it cannot hold.
      if (this.#placeRound[place] !== this.#round) return false
      if (check.op === 'contains' && !check.isCased) return true
    }
    if (this.#checkRound[number] !== this.#round) {
      this.#checkRound[number] = this.#round
      this.#checkValue[number] = this.#evaluate(check) ? 1 : 0
    }
    return this.#checkValue[number] === 1
  }

  #evaluate(check: Check): boolean {
    const raw = this.#rawText(check.field)
    if (raw === '') return false
    switch (check.op) {
      case 'exists':
        return true
      case 'automaton':
        return check.automaton.test(check.isFolded ? this.#foldedText(check.field) : raw)
      case 'network':
        return isInNetwork(check.network, raw)
      case 'field': {
        const { isCased, comparison } = check
        const other = isCased ? this.#rawText(check.other) : this.#foldedText(check.other)
        const text = isCased ? raw : this.#foldedText(check.field)
        return other !== '' && compares(comparison, text, other)
      }
      case 'gt':
      case 'gte':
      case 'lt':
      case 'lte':
        return raw.trim() !== '' && comparesNumbers(check.op, Number(raw), check.value)
      default:
        return compares(check.op, check.isCased ? raw : this.#foldedText(check.field), check.text)
    }
  }

  #rawText(field: number): string {
    const text = this.#view[field] ?? ''
    return text.length > MAX_FIELD_CHARACTERS ? text.slice(0, MAX_FIELD_CHARACTERS) : text
  }

  #foldedText(field: number): string {
    if (this.#foldedRound[field] !== this.#round) {
      this.#foldedRound[field] = this.#round
      this.#folded[field] = foldCase(this.#rawText(field))
    }
    return this.#folded[field] ?? ''
  }
}

function compares(
  op: 'equals' | 'contains' | 'startsWith' | 'endsWith',
  text: string,
  other: string,
): boolean {
  switch (op) {
    case 'equals':
      return text === other
    case 'contains':
      return contains(text, other)
    case 'startsWith':
      return text.startsWith(other)
    case 'endsWith':
      return text.endsWith(other)
  }
}

function comparesNumbers(op: 'gt' | 'gte' | 'lt' | 'lte', a: number, b: number): boolean {
  switch (op) {
    case 'gt':
      return a > b
    case 'gte':
      return a >= b
    case 'lt':
      return a < b
    case 'lte':
      return a <= b
  }
}

function checksOf(plan: Plan): readonly Check[] {
  if (plan.kind === 'check') return [plan.check]
  return plan.kind === 'constant' ? [] : plan.of.flatMap(checksOf)
}

function numbered(plan: Plan, numbers: ReadonlyMap<string, number>): Step {
  if (plan.kind === 'constant') return plan
  if (plan.kind !== 'check') {
    return { kind: plan.kind, of: plan.of.map((each) => numbered(each, numbers)) }
  }
  const check = numbers.get(checkKey(plan.check)) ?? NOWHERE
  return { kind: 'check', check, isWanted: plan.isWanted }
}
