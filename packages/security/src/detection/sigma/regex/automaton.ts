import { MAX_STATES, MAX_TABLE_ENTRIES, MAX_WORK } from './limits.ts'
import { type Classes, classesOf, makeNfa, type Nfa } from './nfa.ts'
import type { Pattern, Place } from './pattern.ts'
import { refused } from './refused.ts'

/** What stands beside a place in the text. */
type Side = 'edge' | 'word' | 'newline' | 'other'

/** States of every table: nothing can match any more; it has matched. */
const DEAD = 0
const MATCHED = 1
const ASCII = 128

/**
 * Whether a text has a match of a pattern anywhere: one look into a table for each character,
 * whatever the pattern and the text. The table is made beforehand, and refused when it would be
 * large.
 */
export class Automaton {
  readonly #table: Uint16Array
  readonly #width: number
  readonly #start: number
  readonly #matchesAtEnd: Uint8Array
  readonly #ofAscii: Uint16Array
  readonly #starts: readonly number[]
  readonly #classes: readonly number[]
  /** Steps that it took to make it. */
  readonly work: number

  /**
   * @param mostWork  steps of making it, at most
   * @throws {HubError} `ArgumentInvalid` when the table would pass its limits
   */
  constructor(pattern: Pattern, mostWork = MAX_WORK) {
    const nfa = makeNfa(pattern)
    const classes = classesOf(nfa)
    const table = new Table(nfa, classes, mostWork)
    const { rows, start, matchesAtEnd } = table.make()
    this.work = table.work
    this.#width = classes.count
    this.#table = Uint16Array.from(rows.flat())
    this.#start = start
    this.#matchesAtEnd = Uint8Array.from(matchesAtEnd, Number)
    this.#starts = classes.starts
    this.#classes = classes.classes
    this.#ofAscii = Uint16Array.from({ length: ASCII }, (_, unit) => this.#search(unit))
  }

  /** Bytes of the table. */
  get sizeBytes(): number {
    return this.#table.byteLength
  }

  test(text: string): boolean {
    const table = this.#table
    const width = this.#width
    const ofAscii = this.#ofAscii
    let state = this.#start
    if (state <= MATCHED) return state === MATCHED
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      const kind = unit < ASCII ? (ofAscii[unit] as number) : this.#search(unit)
      state = table[state * width + kind] as number
      if (state <= MATCHED) return state === MATCHED
    }
    return this.#matchesAtEnd[state] === 1
  }

  #search(unit: number): number {
    let low = 0
    let high = this.#starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#starts[middle] ?? 0) <= unit) low = middle
      else high = middle
    }
    return this.#classes[low] ?? 0
  }
}

/** Makes the table of an automaton: sets of states of the NFA that can be reached together. */
class Table {
  readonly #nfa: Nfa
  readonly #classes: Classes
  readonly #numbers = new Map<string, number>()
  readonly #sets: { readonly core: readonly number[]; readonly before: Side }[] = []
  readonly #mark: Uint32Array
  #round = 0
  readonly #mostWork: number
  #work = 0
  #beginsLater: boolean | undefined

  constructor(nfa: Nfa, classes: Classes, mostWork: number) {
    this.#nfa = nfa
    this.#classes = classes
    this.#mostWork = mostWork
    this.#mark = new Uint32Array(nfa.states.length)
  }

  get work(): number {
    return this.#work
  }

  make() {
    const { count } = this.#classes
    const rows: number[][] = [new Array(count).fill(DEAD), new Array(count).fill(MATCHED)]
    const matchesAtEnd = [false, true]
    this.#sets.push({ core: [], before: 'edge' }, { core: [], before: 'edge' })
    const start = this.#numberOf([this.#nfa.start], 'edge')
    for (let at = 2; at < this.#sets.length; at++) {
      if (at >= MAX_STATES || at * count > MAX_TABLE_ENTRIES) {
        throw refused('its table would be too large; long {n,m} do that, and many alternatives')
      }
      const { core, before } = this.#sets[at] ?? { core: [], before: 'edge' as const }
      matchesAtEnd.push(this.#closure(core, before, 'edge') === undefined)
      rows.push(this.#row(core, before))
    }
    return { rows, start, matchesAtEnd }
  }

  /** What each class of characters leads to. */
  #row(core: readonly number[], before: Side): number[] {
    const bySide = new Map<Side, readonly number[] | undefined>()
    return Array.from({ length: this.#classes.count }, (_, kind) => {
      const side = this.#sideOf(kind)
      if (!bySide.has(side)) bySide.set(side, this.#closure(core, before, side))
      const reached = bySide.get(side)
      return reached === undefined ? MATCHED : this.#step(reached, side, kind)
    })
  }

  #step(reached: readonly number[], side: Side, kind: number): number {
    const next = new Set<number>()
    this.#spend(reached.length)
    for (const number of reached) {
      const state = this.#nfa.states[number]
      if (state?.kind === 'read' && this.#classes.members[state.set]?.has(kind)) {
        next.add(state.next)
      }
    }
    // A match may begin anywhere.
    next.add(this.#nfa.start)
    return this.#numberOf(this.#withoutOutranked(next), side)
  }

  /** Sorted; of each repetition only the state that matches whatever the others match. */
  #withoutOutranked(states: ReadonlySet<number>): readonly number[] {
    const { chains } = this.#nfa
    const best = new Map<number, number>()
    for (const number of states) {
      const { chain, rank } = chains.get(number) ?? NO_CHAIN
      best.set(chain, Math.max(best.get(chain) ?? rank, rank))
    }
    const kept = [...states].filter((number) => {
      const { chain, rank } = chains.get(number) ?? NO_CHAIN
      return chain === NO_CHAIN.chain || rank === best.get(chain)
    })
    return kept.sort(ascending)
  }

  #numberOf(core: readonly number[], side: Side): number {
    const before = this.#nfa.hasPlaces ? side : 'other'
    if (!this.#nfa.hasPlaces && this.#closure(core, before, before) === undefined) return MATCHED
    const key = `${before} ${core.join()}`
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    // What hangs on the start of the text is over once the text has begun.
    const isOver = this.#nfa.hasPlaces && before !== 'edge' && this.#isOver(core, before)
    const number = isOver ? DEAD : this.#sets.push({ core, before }) - 1
    this.#numbers.set(key, number)
    return number
  }

  /** Nothing goes on from here, nor can a match begin further on. */
  #isOver(core: readonly number[], before: Side): boolean {
    const isEmpty = (states: readonly number[], side: Side) =>
      SIDES.every((after) => this.#closure(states, side, after)?.length === 0)
    this.#beginsLater ??= WITHIN.some((side) => !isEmpty([this.#nfa.start], side))
    return !this.#beginsLater && isEmpty(core, before)
  }

  /** What can be reached without reading, `read` states alone; `undefined` when it has matched. */
  #closure(core: readonly number[], before: Side, after: Side): readonly number[] | undefined {
    const round = ++this.#round
    const open = [...core]
    const reads: number[] = []
    for (let number = open.pop(); number !== undefined; number = open.pop()) {
      if (this.#mark[number] === round) continue
      this.#mark[number] = round
      this.#spend(1)
      const state = this.#nfa.states[number]
      if (state?.kind === 'match') return undefined
      if (state?.kind === 'read') reads.push(number)
      else if (state?.kind === 'fork') open.push(...state.ways)
      else if (state && holds(state.place, before, after)) open.push(state.next)
    }
    return reads
  }

  #spend(steps: number): void {
    this.#work += steps
    if (this.#work > this.#mostWork) throw refused('its table would take too long to make')
  }

  #sideOf(kind: number): Side {
    if (this.#classes.words.has(kind)) return 'word'
    return this.#classes.newlines.has(kind) ? 'newline' : 'other'
  }
}

const NO_CHAIN = { chain: 0, rank: 0 }
/** What can stand before a place that is not the start of the text. */
const WITHIN: readonly Side[] = ['word', 'newline', 'other']
const SIDES: readonly Side[] = ['edge', ...WITHIN]

function holds(place: Place, before: Side, after: Side): boolean {
  switch (place) {
    case 'start':
      return before === 'edge'
    case 'end':
      return after === 'edge'
    case 'lineStart':
      return before === 'edge' || before === 'newline'
    case 'lineEnd':
      return after === 'edge' || after === 'newline'
    case 'wordEdge':
      return (before === 'word') !== (after === 'word')
    case 'noWordEdge':
      return (before === 'word') === (after === 'word')
  }
}

function ascending(a: number, b: number): number {
  return a - b
}
