import { HubError } from '@twinward/protocol'
import { MAX_CONDITION_CHARACTERS, MAX_CONDITION_DEPTH, MAX_VALUES } from './limits.ts'

/** A condition, read: which selections have to hold. */
export type Condition =
  | { readonly kind: 'selection'; readonly name: string }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }

const TOKEN = /\s*([()|]|[^\s()|]+)/y
/** `them` passes over these. */
const HIDDEN = '_'

/**
 * Reads a condition: `and`, `or`, `not`, parentheses, `1 of`, `any of` and `all of` with `them` or
 * names with `*`. `not` binds closest, then `and`.
 *
 * @param names  of the selections
 * @throws {HubError} `ArgumentInvalid` that says what is wrong with it
 */
export function parseCondition(text: string, names: readonly string[]): Condition {
  if (text.length > MAX_CONDITION_CHARACTERS) {
    throw wrong(`it has ${text.length} of ${MAX_CONDITION_CHARACTERS} characters`)
  }
  return new Parser(text, names).parse()
}

function wrong(why: string): HubError {
  return new HubError('ArgumentInvalid', `The condition cannot be used: ${why}.`)
}

class Parser {
  readonly #tokens: readonly string[]
  readonly #names: readonly string[]
  #at = 0
  #depth = 0
  #selections = 0

  constructor(text: string, names: readonly string[]) {
    const tokens: string[] = []
    TOKEN.lastIndex = 0
    for (let found = TOKEN.exec(text); found; found = TOKEN.exec(text)) tokens.push(found[1] ?? '')
    this.#tokens = tokens
    this.#names = names
  }

  parse(): Condition {
    const condition = this.#or()
    const rest = this.#tokens[this.#at]
    if (rest !== undefined) throw wrong(`"${rest.slice(0, 40)}" is not expected there`)
    return condition
  }

  #or(): Condition {
    const parts = [this.#and()]
    while (this.#takes('or')) parts.push(this.#and())
    return joined('or', parts)
  }

  #and(): Condition {
    const parts = [this.#not()]
    while (this.#takes('and')) parts.push(this.#not())
    return joined('and', parts)
  }

  #not(): Condition {
    let isNegated = false
    while (this.#takes('not')) isNegated = !isNegated
    const of = this.#primary()
    return isNegated ? { kind: 'not', of } : of
  }

  #primary(): Condition {
    if (this.#takes('(')) {
      if (++this.#depth > MAX_CONDITION_DEPTH) {
        throw wrong(`its parentheses are nested more than ${MAX_CONDITION_DEPTH} deep`)
      }
      const inner = this.#or()
      if (!this.#takes(')')) throw wrong('a "(" is not closed')
      this.#depth--
      return inner
    }
    const word = this.#next('a selection')
    const next = this.#tokens[this.#at]?.toLowerCase()
    if (next === 'of' && /^(1|any|all)$/i.test(word)) {
      this.#at++
      return this.#of(word.toLowerCase() === 'all' ? 'and' : 'or')
    }
    if (next === 'of') throw wrong(`"${word.slice(0, 40)} of" is not 1, any or all of`)
    if (!this.#names.includes(word)) throw wrong(`there is no selection "${word.slice(0, 40)}"`)
    this.#count(1)
    return { kind: 'selection', name: word }
  }

  #of(kind: 'and' | 'or'): Condition {
    const word = this.#next('them or a name')
    const isThem = word.toLowerCase() === 'them'
    const matching = isThem
      ? this.#names.filter((name) => !name.startsWith(HIDDEN))
      : this.#names.filter((name) => fits(word, name))
    if (matching.length === 0) throw wrong(`no selection is called "${word.slice(0, 40)}"`)
    this.#count(matching.length)
    return joined(
      kind,
      matching.map((name) => ({ kind: 'selection', name })),
    )
  }

  #count(selections: number): void {
    this.#selections += selections
    if (this.#selections > MAX_VALUES) {
      throw wrong(`it names selections more than ${MAX_VALUES} times`)
    }
  }

  #takes(token: string): boolean {
    if (this.#tokens[this.#at]?.toLowerCase() !== token) return false
    this.#at++
    return true
  }

  #next(expected: string): string {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw wrong(`${expected} is missing at its end`)
    if (token === ')' || token === '|') throw wrong(`"${token}" stands where ${expected} should`)
    return token
  }
}

function joined(kind: 'and' | 'or', of: readonly Condition[]): Condition {
  const [only] = of
  return of.length === 1 && only ? only : { kind, of }
}

/** Whether a name fits a word with `*`; the parts are looked for one after the other. */
function fits(word: string, name: string): boolean {
  const [head = '', ...parts] = word.split('*')
  if (parts.length === 0) return word === name
  const tail = parts.pop() ?? ''
  if (name.length < head.length + tail.length) return false
  if (!name.startsWith(head) || !name.endsWith(tail)) return false
  let at = head.length
  for (const part of parts) {
    const found = name.indexOf(part, at)
    if (found < 0 || found + part.length > name.length - tail.length) return false
    at = found + part.length
  }
  return true
}
