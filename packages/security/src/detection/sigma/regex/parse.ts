import {
  type CharSet,
  complement,
  EVERY,
  NEWLINES,
  setOf,
  union,
  withBothCases,
} from './char-set.ts'
import { type ClassEscape, classEscape, readClass, readEscape } from './escapes.ts'
import { MAX_GROUP_DEPTH, MAX_PATTERN_CHARACTERS, MAX_REPEAT } from './limits.ts'
import { NOTHING, type Pattern, type Place } from './pattern.ts'
import { refused } from './refused.ts'

/** `i`: either case, `m`: `^` and `$` at lines, `s`: the dot takes newlines. */
export interface Flags {
  readonly i: boolean
  readonly m: boolean
  readonly s: boolean
}

export const NO_FLAGS: Flags = { i: false, m: false, s: false }

/**
 * Reads a regular expression: literals, classes, groups, alternation, quantifiers, anchors, `\b`
 * and flags (`(?i)`). Whether a quantifier is lazy makes no difference to whether something
 * matches.
 *
 * @throws {HubError} `ArgumentInvalid` that says what is wrong, or what cannot be done in linear
 * time
 */
export function parsePattern(text: string, flags: Flags = NO_FLAGS): Pattern {
  if (text.length > MAX_PATTERN_CHARACTERS) {
    throw refused(`it has ${text.length} of ${MAX_PATTERN_CHARACTERS} characters`)
  }
  return new Parser(text, flags).parse()
}

const ANCHORS: ReadonlyMap<string, Place> = new Map([
  ['A', 'start'],
  ['z', 'end'],
  ['Z', 'end'],
  ['b', 'wordEdge'],
  ['B', 'noWordEdge'],
])

class Parser {
  readonly #text: string
  #flags: Flags
  #at = 0
  #depth = 0

  constructor(text: string, flags: Flags) {
    this.#text = text
    this.#flags = flags
  }

  parse(): Pattern {
    const pattern = this.#either()
    if (this.#at < this.#text.length) throw refused(`")" at ${this.#at} closes nothing`)
    return pattern
  }

  #either(): Pattern {
    const options = [this.#sequence()]
    while (this.#take('|')) options.push(this.#sequence())
    const [only] = options
    return options.length === 1 && only ? only : { kind: 'either', options }
  }

  #sequence(): Pattern {
    const parts: Pattern[] = []
    while (this.#at < this.#text.length && !this.#sees('|') && !this.#sees(')')) {
      const isPlace = /^(\^|\$|\\[AzZbB])/.test(this.#text.slice(this.#at, this.#at + 2))
      const atom = this.#atom()
      parts.push(isPlace ? atom : this.#quantified(atom))
    }
    const [only] = parts
    return parts.length === 1 && only ? only : { kind: 'sequence', parts }
  }

  #quantified(body: Pattern): Pattern {
    const range = this.#quantifier()
    if (!range) return body
    if (this.#take('+')) throw refused('possessive quantifiers need more than linear time')
    this.#take('?')
    if (this.#quantifier()) throw refused(`two quantifiers follow each other at ${this.#at}`)
    return { kind: 'repeat', body, ...range }
  }

  #quantifier(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
    if (this.#take('?')) return { min: 0, max: 1 }
    // `{` without numbers stands for itself.
    const found = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(this.#text.slice(this.#at, this.#at + 20))
    if (!found) return undefined
    this.#at += found[0].length
    const min = Number(found[1])
    const max =
      found[2] === undefined ? min : found[3] ? Number(found[3]) : Number.POSITIVE_INFINITY
    if (max < min) throw refused(`${found[0]} is upside down`)
    if (min > MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEAT)) {
      throw refused(`${found[0]} repeats more than ${MAX_REPEAT} times`)
    }
    return { min, max }
  }

  #atom(): Pattern {
    const character = this.#text.charAt(this.#at++)
    switch (character) {
      case '(':
        return this.#group()
      case '[':
        return this.#class()
      case '\\':
        return this.#escape()
      case '.':
        return set(this.#flags.s ? EVERY : complement(NEWLINES))
      case '^':
        return { kind: 'place', place: this.#flags.m ? 'lineStart' : 'start' }
      case '$':
        return { kind: 'place', place: this.#flags.m ? 'lineEnd' : 'end' }
      case '*':
      case '+':
      case '?':
        throw refused(`"${character}" at ${this.#at - 1} repeats nothing`)
      default:
        return this.#units(setOf(character.charCodeAt(0)))
    }
  }

  #group(): Pattern {
    if (++this.#depth > MAX_GROUP_DEPTH) {
      throw refused(`its groups are nested more than ${MAX_GROUP_DEPTH} deep`)
    }
    const before = this.#flags
    const isOnlyFlags = this.#take('?') && this.#groupHead()
    if (isOnlyFlags) {
      // They hold until the group around ends.
      this.#depth--
      return NOTHING
    }
    const body = this.#either()
    if (!this.#take(')')) throw refused('a "(" is not closed')
    this.#flags = before
    this.#depth--
    return body
  }

  /** @returns whether the group was nothing but flags */
  #groupHead(): boolean {
    const rest = this.#text.slice(this.#at, this.#at + 80)
    if (/^<?[=!]/.test(rest)) throw refused('lookaround needs more than linear time')
    if (rest.startsWith('>')) throw refused('atomic groups need more than linear time')
    const found = /^(P?<[A-Za-z_]\w{0,62}>|[ims]{0,3}(-[ims]{1,3})?([:)]))/.exec(rest)
    if (!found) throw refused(`"(?${rest.slice(0, 4)}" is not known`)
    this.#at += found[0].length
    if (found[3] === undefined) return false
    const [on = '', off = ''] = found[0].slice(0, -1).split('-')
    const flag = (name: 'i' | 'm' | 's') =>
      !off.includes(name) && (on.includes(name) || this.#flags[name])
    this.#flags = { i: flag('i'), m: flag('m'), s: flag('s') }
    return found[3] === ')'
  }

  #class(): Pattern {
    const isNegated = this.#take('^')
    const members: CharSet[] = []
    let isFirst = true
    while (isFirst || !this.#sees(']')) {
      if (this.#at >= this.#text.length) throw refused('a "[" is not closed')
      isFirst = false
      // `[]` and `[^]` are empty, as in JavaScript.
      if (this.#sees(']')) break
      members.push(this.#classMember())
    }
    this.#at++
    const all = this.#flags.i ? withBothCases(union(members)) : union(members)
    return set(isNegated ? complement(all) : all)
  }

  #classMember(): CharSet {
    const posix = readClass(this.#text, this.#at)
    if (posix) {
      this.#at = posix.end
      return posix.set
    }
    const first = this.#classAtom()
    if (typeof first !== 'number' || !this.#sees('-') || this.#text[this.#at + 1] === ']') {
      return typeof first === 'number' ? setOf(first) : first
    }
    this.#at++
    const last = this.#classAtom()
    if (typeof last !== 'number') return union([setOf(first, 45), last])
    if (last < first) throw refused(`a range in a class is upside down at ${this.#at}`)
    return [[first, last]]
  }

  #classAtom(): number | CharSet {
    const unit = this.#text.charCodeAt(this.#at++)
    if (Number.isNaN(unit)) throw refused('a "[" is not closed')
    if (unit >= 0xd800 && unit <= 0xdfff) throw refused('a class has a character beyond U+FFFF')
    if (unit !== 92) return unit
    if (this.#take('b')) return 8
    return this.#escapeOf()
  }

  #escape(): Pattern {
    const place = ANCHORS.get(this.#text.charAt(this.#at))
    if (place !== undefined) {
      this.#at++
      return { kind: 'place', place }
    }
    const found = this.#escapeOf()
    return typeof found === 'number' ? this.#units(setOf(found)) : set(found)
  }

  #escapeOf(): number | CharSet {
    const named: ClassEscape | undefined = classEscape(this.#text.charAt(this.#at))
    if (named) {
      this.#at++
      return named
    }
    const { unit, end } = readEscape(this.#text, this.#at)
    this.#at = end
    return unit
  }

  #units(units: CharSet): Pattern {
    return set(this.#flags.i ? withBothCases(units) : units)
  }

  #sees(character: string): boolean {
    return this.#text[this.#at] === character
  }

  #take(character: string): boolean {
    if (!this.#sees(character)) return false
    this.#at++
    return true
  }
}

function set(units: CharSet): Pattern {
  return { kind: 'set', set: units }
}
