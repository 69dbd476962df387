/** Longer patterns are refused; those of the vendor are below 300. */
export const MAX_REGEX_CHARACTERS = 1_024
/** How often something may be repeated by numbers, all nested ones multiplied: RE2's own limit. */
const MAX_REPEATS = 1_000
const MAX_NESTING = 50

/** What is wrong with a pattern. */
export interface RegexFault {
  /** `malformed`: no engine reads it; `notLinear`: only engines read it that may take forever. */
  readonly kind: 'malformed' | 'notLinear'
  /** For a person, with the place: `a lookahead at 5`. */
  readonly text: string
}

/**
 * Checks that a pattern is of the syntax of RE2, whose engines take time linear in the text: no
 * lookaround, back reference, atomic group, possessive quantifier or recursion. Pure; itself linear.
 */
export function regexFault(pattern: string): RegexFault | undefined {
  if (pattern.length > MAX_REGEX_CHARACTERS) {
    const text = `more than ${MAX_REGEX_CHARACTERS} characters`
    return { kind: 'malformed', text }
  }
  try {
    new Scanner(pattern).scan()
    return undefined
  } catch (thrown) {
    if (thrown instanceof Fault) return { kind: thrown.kind, text: thrown.message }
    throw thrown
  }
}

class Fault extends Error {
  readonly kind: RegexFault['kind']

  constructor(kind: RegexFault['kind'], what: string, at: number) {
    super(`${what} at ${at + 1}`)
    this.kind = kind
  }
}

/** A group that is open, and how often what is in it is repeated at most. */
interface Group {
  readonly at: number
  repeats: number
}

/** What a quantifier may stand behind. */
type Before = 'nothing' | 'atom' | 'quantifier'

class Scanner {
  readonly #pattern: string
  readonly #groups: Group[] = [{ at: 0, repeats: 1 }]
  #at = 0
  #before: Before = 'nothing'
  /** How often the last atom is repeated in itself. */
  #repeats = 1

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  scan(): void {
    while (this.#at < this.#pattern.length) this.#next()
    const open = this.#groups.at(-1)
    if (open && this.#groups.length > 1) throw new Fault('malformed', 'an open group', open.at)
  }

  #next(): void {
    const character = this.#pattern.charAt(this.#at)
    if (character === '\\') this.#escape()
    else if (character === '[') this.#class()
    else if (character === '(') this.#open()
    else if (character === ')') this.#close()
    else if (character === '|') this.#set('nothing', 1)
    else if (character === '^' || character === '$') this.#set('nothing', 1)
    else if ('*+?'.includes(character)) this.#quantify(1, 1)
    else if (character === '{') this.#braces()
    else this.#set('atom', 1)
  }

  #set(before: Before, length: number): void {
    this.#before = before
    this.#repeats = 1
    this.#at += length
  }

  #escape(): void {
    const character = this.#pattern.charAt(this.#at + 1)
    if (character === 'Q') {
      this.#quoted()
      return
    }
    if (character === '') throw new Fault('malformed', 'a backslash without a character', this.#at)
    if (/[1-9]/.test(character)) throw new Fault('notLinear', 'a back reference', this.#at)
    if (character === 'k' || character === 'g') {
      throw new Fault('notLinear', 'a back reference', this.#at)
    }
    if (/[GKRXZ]/.test(character)) {
      throw new Fault(
        'notLinear',
        `\\${character}, which only backtracking engines know,`,
        this.#at,
      )
    }
    const known = ESCAPE.exec(this.#pattern.slice(this.#at, this.#at + MAX_ESCAPE_CHARACTERS))
    if (known === null) {
      throw new Fault('notLinear', `\\${character}, which RE2 does not know,`, this.#at)
    }
    // A place is nothing that could be repeated.
    this.#set(/[bBAz]/.test(character) ? 'nothing' : 'atom', known[0].length)
  }

  /** `\Q` takes what follows as it is, up to `\E` or the end. */
  #quoted(): void {
    const end = this.#pattern.indexOf('\\E', this.#at)
    this.#set('atom', (end < 0 ? this.#pattern.length : end + 2) - this.#at)
  }

  #class(): void {
    const from = this.#at
    let at = from + 1
    if (this.#pattern.charAt(at) === '^') at++
    // The first bracket is a character of the class.
    if (this.#pattern.charAt(at) === ']') at++
    for (let inner = this.#pattern.charAt(at); inner !== ']'; inner = this.#pattern.charAt(at)) {
      if (inner === '') throw new Fault('malformed', 'an open character class', from)
      const named = this.#pattern.startsWith('[:', at) ? this.#pattern.indexOf(':]', at) : -1
      at = named >= 0 ? named + 2 : this.#members(at)
    }
    this.#set('atom', at + 1 - from)
  }

  /** One member of a class, or a range of them. @returns where the next begins */
  #members(at: number): number {
    const low = this.#member(at)
    const next = at + low.length
    const isRange =
      this.#pattern.charAt(next) === '-' && !/^\]?$/.test(this.#pattern.charAt(next + 1))
    if (!isRange) return next
    const high = this.#member(next + 1)
    if (low.code !== undefined && high.code !== undefined && high.code < low.code) {
      throw new Fault('malformed', 'a range whose end is before its beginning', at)
    }
    return next + 1 + high.length
  }

  /** `code`: where it is one character whose number is known here. */
  #member(at: number): { readonly length: number; readonly code?: number } {
    const code = this.#pattern.codePointAt(at) ?? 0
    if (this.#pattern.charAt(at) !== '\\') return { length: code > 0xffff ? 2 : 1, code }
    const known = ESCAPE.exec(this.#pattern.slice(at, at + MAX_ESCAPE_CHARACTERS))?.[0]
    if (known === undefined || /^\\[bBAzC]/.test(known)) {
      const what = this.#pattern.slice(at, at + 2)
      throw new Fault('notLinear', `${what} in a class, which RE2 does not know,`, at)
    }
    const { length } = known
    const hex = /^\\x\{?([0-9A-Fa-f]+)/.exec(known)?.[1]
    if (hex !== undefined) return { length, code: Number.parseInt(hex, 16) }
    return /^\\[^A-Za-z0-9]$/.test(known) ? { length, code: known.charCodeAt(1) } : { length }
  }

  #open(): void {
    if (this.#groups.length > MAX_NESTING) {
      throw new Fault('malformed', `more than ${MAX_NESTING} groups in each other`, this.#at)
    }
    const from = this.#at
    let length = 1
    if (this.#pattern.charAt(from + 1) === '?') {
      const rest = this.#pattern.slice(from + 2, from + 2 + MAX_HEAD_CHARACTERS)
      const head = GROUP_HEAD.exec(rest)?.[0]
      if (head === undefined) throw new Fault(...whatGroup(rest), from)
      if (head.endsWith(')')) {
        // Flags for what follows are no group.
        this.#set('nothing', 2 + head.length)
        return
      }
      length = 2 + head.length
    }
    this.#groups.push({ at: from, repeats: 1 })
    this.#set('nothing', length)
  }

  #close(): void {
    const group = this.#groups.length > 1 ? this.#groups.pop() : undefined
    if (!group) throw new Fault('malformed', 'a closing bracket without an opening one', this.#at)
    this.#note(group.repeats)
    this.#at++
    this.#before = 'atom'
    this.#repeats = group.repeats
  }

  #quantify(times: number, length: number): void {
    const from = this.#at
    if (this.#before === 'nothing') throw new Fault('malformed', 'nothing to repeat', from)
    if (this.#before === 'quantifier') {
      const isPossessive = this.#pattern.charAt(from) === '+'
      throw isPossessive
        ? new Fault('notLinear', 'a possessive quantifier', from)
        : new Fault('malformed', 'a quantifier of a quantifier', from)
    }
    const repeats = this.#repeats * times
    if (repeats > MAX_REPEATS) {
      throw new Fault('notLinear', `more than ${MAX_REPEATS} repetitions`, from)
    }
    this.#note(repeats)
    this.#at += length
    if (this.#pattern.charAt(this.#at) === '?') this.#at++
    this.#before = 'quantifier'
  }

  #braces(): void {
    const rest = this.#pattern.slice(this.#at, this.#at + MAX_BRACES_CHARACTERS)
    const [all, least = '', most] = /^\{(\d+)(?:,(\d*))?\}/.exec(rest) ?? []
    // Without numbers it is a character like any other.
    if (all === undefined) {
      this.#set('atom', 1)
      return
    }
    if (most !== undefined && most !== '' && Number(most) < Number(least)) {
      throw new Fault('malformed', 'a repetition with more at least than at most', this.#at)
    }
    this.#quantify(Math.max(1, Number(least), Number(most ?? 0)), all.length)
  }

  #note(repeats: number): void {
    const group = this.#groups.at(-1)
    if (group) group.repeats = Math.max(group.repeats, repeats)
  }
}

/** A character by number, a class by name, a letter that means something, or a sign that means itself. */
const ESCAPE =
  /^\\(?:x(?:[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,6}\})|[pP](?:[A-Z]|\{\^?\w+\})|[afnrtvdDsSwWbBAzC]|0[0-7]{0,2}|[^A-Za-z0-9])/s
const MAX_ESCAPE_CHARACTERS = 64
const MAX_HEAD_CHARACTERS = 64
const MAX_BRACES_CHARACTERS = 24
/** What may follow `(?`: no capture, flags for the group or the rest, a name. */
const GROUP_HEAD = /^(?:[imsU]*(?:-[imsU]+)?:|(?=[imsU-])[imsU]*(?:-[imsU]+)?\)|P?<[A-Za-z_]\w*>)/

function whatGroup(rest: string): readonly [RegexFault['kind'], string] {
  if (/^[=!]/.test(rest)) return ['notLinear', 'a lookahead']
  if (/^<[=!]/.test(rest)) return ['notLinear', 'a lookbehind']
  if (rest.startsWith('>')) return ['notLinear', 'an atomic group']
  if (/^(?:[R&(|#]|P[=>]|\d)/.test(rest)) return ['notLinear', 'a group of backtracking engines']
  return ['malformed', 'a group of an unknown kind']
}
