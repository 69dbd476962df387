import { type CharSet, LAST_UNIT, NEWLINES, WORD } from './char-set.ts'
import { MAX_NFA_STATES } from './limits.ts'
import type { Pattern, Place } from './pattern.ts'
import { refused } from './refused.ts'

/** One state: it reads a character of a class, stands at a place, forks, or is the end. */
export type NfaState =
  | { readonly kind: 'read'; readonly set: number; readonly next: number }
  | { readonly kind: 'place'; readonly place: Place; readonly next: number }
  | { readonly kind: 'fork'; readonly ways: readonly number[] }
  | { readonly kind: 'match' }

/** A pattern as states; `start` comes first, wherever in the text the match may begin. */
export interface Nfa {
  readonly states: readonly NfaState[]
  readonly start: number
  /** The sets that `read` states name. */
  readonly sets: readonly CharSet[]
  readonly hasPlaces: boolean
  /**
   * States of one repetition of which the one with the highest rank matches whatever the others
   * match, so that nobody needs to follow those: `foo.{0,50}bar` is 60 sets of states, not 2^50.
   */
  readonly chains: ReadonlyMap<number, { readonly chain: number; readonly rank: number }>
}

/** @throws {HubError} `ArgumentInvalid` for more than `MAX_NFA_STATES` */
export function makeNfa(pattern: Pattern): Nfa {
  return new Maker().make(pattern)
}

class Maker {
  readonly #states: NfaState[] = []
  readonly #sets: CharSet[] = []
  readonly #numbers = new Map<string, number>()
  readonly #chains = new Map<number, { chain: number; rank: number }>()
  #repeats = 0
  #hasPlaces = false

  make(pattern: Pattern): Nfa {
    const start = this.#build(pattern, this.#add({ kind: 'match' }))
    const [states, sets, chains] = [this.#states, this.#sets, this.#chains]
    return { states, start, sets, chains, hasPlaces: this.#hasPlaces }
  }

  /** From the back: each part is told where to go on. */
  #build(pattern: Pattern, next: number): number {
    switch (pattern.kind) {
      case 'set':
        return this.#add({ kind: 'read', set: this.#numberOf(pattern.set), next })
      case 'place':
        this.#hasPlaces = true
        return this.#add({ kind: 'place', place: pattern.place, next })
      case 'sequence':
        return pattern.parts.reduceRight((after, part) => this.#build(part, after), next)
      case 'either': {
        const ways = pattern.options.map((option) => this.#build(option, next))
        return this.#add({ kind: 'fork', ways })
      }
      case 'repeat':
        return this.#repeat(pattern, next)
    }
  }

  #repeat({ body, min, max }: Extract<Pattern, { kind: 'repeat' }>, next: number): number {
    const chain = ++this.#repeats
    // Behind the last part nothing is asked any more, so it need not repeat further than it must.
    const isLast = this.#states[next]?.kind === 'match'
    let start = next
    if (max === Number.POSITIVE_INFINITY && !isLast) {
      // The fork is made before the body that leads back to it.
      const ways = [next]
      start = this.#add({ kind: 'fork', ways })
      ways.push(this.#build(body, start))
      this.#rank(start, chain, 1)
    } else if (!isLast) {
      for (let time = min; time < max; time++) {
        start = this.#add({ kind: 'fork', ways: [next, this.#build(body, start)] })
        this.#rank(start, chain, time + 1)
      }
    }
    const isNested = isLast || max === Number.POSITIVE_INFINITY
    for (let time = 0; time < min; time++) {
      start = this.#build(body, start)
      if (isNested) this.#rank(start, chain, -time)
    }
    return start
  }

  #rank(state: number, chain: number, rank: number): void {
    if (!this.#chains.has(state)) this.#chains.set(state, { chain, rank })
  }

  #add(state: NfaState): number {
    if (this.#states.length >= MAX_NFA_STATES) {
      throw refused(`it has more than ${MAX_NFA_STATES} states`)
    }
    return this.#states.push(state) - 1
  }

  #numberOf(set: CharSet): number {
    const key = set.join(';')
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    this.#numbers.set(key, this.#sets.length)
    return this.#sets.push(set) - 1
  }
}

/** Code units that a pattern cannot tell apart are one class. */
export interface Classes {
  readonly count: number
  /** First unit of each range, ascending from 0, and the class of its units. */
  readonly starts: readonly number[]
  readonly classes: readonly number[]
  /** For each set of the pattern, the classes in it. */
  readonly members: readonly ReadonlySet<number>[]
  readonly words: ReadonlySet<number>
  readonly newlines: ReadonlySet<number>
}

export function classesOf({ sets, hasPlaces }: Nfa): Classes {
  const all = hasPlaces ? [...sets, WORD, NEWLINES] : sets
  const edges = new Set([0])
  for (const [first, last] of all.flat()) {
    edges.add(first)
    if (last < LAST_UNIT) edges.add(last + 1)
  }
  const starts = [...edges].sort((a, b) => a - b)
  const numbers = new Map<string, number>()
  const classes: number[] = []
  const members = all.map(() => new Set<number>())
  const next = all.map(() => 0)
  for (const start of starts) {
    // Each set is walked once, along with the edges.
    const holders = all.flatMap((set, at) => {
      while ((set[next[at] ?? 0]?.[1] ?? LAST_UNIT) < start) next[at] = (next[at] ?? 0) + 1
      return (set[next[at] ?? 0]?.[0] ?? LAST_UNIT + 1) <= start ? [at] : []
    })
    const key = holders.join()
    const number = numbers.get(key) ?? numbers.size
    numbers.set(key, number)
    classes.push(number)
    for (const at of holders) members[at]?.add(number)
  }
  const [words = new Set<number>(), newlines = new Set<number>()] = hasPlaces
    ? members.slice(sets.length)
    : []
  return { count: numbers.size, starts, classes, members, words, newlines }
}
