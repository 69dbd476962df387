import { HubError } from '@twinward/protocol'
import { check, type Node, type TextComparison, UNKNOWN } from './check.ts'
import type { YamlValue } from './documents.ts'
import type { EventClass } from './event-class.ts'
import { foldCase } from './fold.ts'
import { MAX_VALUE_CHARACTERS, MAX_VALUES } from './limits.ts'
import { encoded, type Modifiers, readModifiers, textsOfOne, withDashes } from './modifiers.ts'
import { readNetwork } from './network.ts'
import type { Reasons } from './reasons.ts'
import { Automaton } from './regex/automaton.ts'
import { MAX_WORK } from './regex/limits.ts'
import { neededLiterals } from './regex/needed.ts'
import { parsePattern } from './regex/parse.ts'
import { isList, isMap } from './sigma-rule.ts'
import { ANYTHING, isStar, type Piece, patternOf, readPieces, withoutDoubles } from './wildcard.ts'

/** What items are read with, and where what is wrong is kept. */
export interface Reading {
  readonly eventClass: EventClass
  readonly reasons: Reasons
  /** Fields that the rule asks for and no event has. */
  readonly absent: Set<string>
  /** Values so far. */
  values: number
  /** Steps that its automata may still take to be made. */
  workLeft: number
}

/** Reads `CommandLine|contains|all: [a, b]`; without a field: any field of the event. */
export function readItem(key: string, value: YamlValue, reading: Reading): Node {
  const [name = '', ...names] = key.split('|')
  const modifiers = readModifiers(names.map((each) => each.toLowerCase()))
  if (typeof modifiers === 'string') {
    reading.reasons.add('modifier', `${key.slice(0, 80)}: ${modifiers}.`)
    return UNKNOWN
  }
  const values = isList(value) ? value : [value]
  if (values.length === 0) {
    reading.reasons.add('value', `${key.slice(0, 80)}: the list is empty.`)
    return UNKNOWN
  }
  const { fields } = reading.eventClass
  reading.values += values.length * textsOfOne(modifiers) * (name === '' ? fields.length : 1)
  if (reading.values > MAX_VALUES) {
    reading.reasons.add('limit', `The rule has more than ${MAX_VALUES} values.`)
    return UNKNOWN
  }
  // A text without a field is looked for anywhere in one.
  const isKeyword = name === '' && modifiers.comparison === 'equals'
  const meant: Modifiers = isKeyword ? { ...modifiers, comparison: 'contains' } : modifiers
  const of = values.map((each) => new ItemReader(name, meant, reading).read(each))
  const joined: Node = { kind: modifiers.isAll ? 'and' : 'or', of }
  return modifiers.isNegated ? { kind: 'not', of: joined } : joined
}

class ItemReader {
  readonly #name: string
  readonly #modifiers: Modifiers
  readonly #reading: Reading

  constructor(name: string, modifiers: Modifiers, reading: Reading) {
    this.#name = name
    this.#modifiers = modifiers
    this.#reading = reading
  }

  read(value: YamlValue): Node {
    if (isList(value) || isMap(value)) return this.#refuse('value', 'it is neither text nor number')
    if (typeof value === 'string' && value.length > MAX_VALUE_CHARACTERS) {
      return this.#refuse('limit', `a value has more than ${MAX_VALUE_CHARACTERS} characters`)
    }
    const { fields } = this.#reading.eventClass
    if (this.#name === '') {
      return { kind: 'or', of: fields.map((_, field) => this.#about(field, value)) }
    }
    const field = fields.findIndex(({ name }) => name === this.#name)
    if (field < 0) {
      this.#reading.absent.add(this.#name.slice(0, 80))
      return UNKNOWN
    }
    const node = this.#about(field, value)
    return this.#isPossible(field, value) ? node : this.#absentValue(value)
  }

  #about(field: number, value: YamlValue): Node {
    const { comparison, isFieldRef } = this.#modifiers
    if (comparison === 'exists') {
      const exists = check({ op: 'exists', field })
      if (value === true) return exists
      return value === false ? { kind: 'not', of: exists } : this.#refuse('value', 'not a boolean')
    }
    // Our events do not tell an empty text from none.
    if (value === null || value === '') {
      const exists = check({ op: 'exists', field })
      return comparison === 'equals' ? { kind: 'not', of: exists } : exists
    }
    const text = String(value)
    if (isFieldRef) return this.#reference(field, text)
    switch (comparison) {
      case 'regex':
        return this.#regex(field, text)
      case 'network': {
        const network = readNetwork(text)
        if (!network) return this.#refuse('value', `"${text.slice(0, 40)}" is no network`)
        return check({ op: 'network', field, network })
      }
      case 'gt':
      case 'gte':
      case 'lt':
      case 'lte': {
        const number = Number(text)
        if (Number.isFinite(number)) return check({ op: comparison, field, value: number })
        return this.#refuse('value', `"${text.slice(0, 40)}" is no number`)
      }
      default:
        return this.#texts(field, text, comparison)
    }
  }

  #texts(field: number, text: string, comparison: TextComparison): Node {
    const { isWindash, encodings } = this.#modifiers
    const dashed = isWindash ? withDashes(text) : [text]
    if (encodings.length === 0) {
      return or(dashed.map((each) => this.#pieces(field, readPieces(each), comparison)))
    }
    if (readPieces(text).some((piece) => typeof piece !== 'string')) {
      return this.#refuse('value', 'a value with wildcards cannot be encoded')
    }
    const plain = dashed.map((each) => readPieces(each).join(''))
    const texts = plain.flatMap((each) => encoded(each, encodings))
    return or(texts.map((each) => this.#pieces(field, [each], comparison)))
  }

  #pieces(field: number, given: readonly Piece[], comparison: TextComparison): Node {
    const head = comparison === 'contains' || comparison === 'endsWith' ? [ANYTHING] : []
    const tail = comparison === 'contains' || comparison === 'startsWith' ? [ANYTHING] : []
    const pieces = withoutDoubles([...head, ...given, ...tail])
    const [first, last] = [isStar(pieces[0]), isStar(pieces.at(-1))]
    const inner = pieces.slice(first ? 1 : 0, last ? -1 : undefined)
    const [only] = inner
    const { isCased } = this.#modifiers
    // `*` takes anything, but something has to be there.
    if (inner.length === 0) return check({ op: 'exists', field })
    if (inner.length === 1 && typeof only === 'string') {
      const op = first ? (last ? 'contains' : 'endsWith') : last ? 'startsWith' : 'equals'
      return check({ op, field, text: isCased ? only : foldCase(only), isCased })
    }
    return this.#wildcards(field, pieces)
  }

  #wildcards(field: number, given: readonly Piece[]): Node {
    const { isCased } = this.#modifiers
    const fold = (piece: Piece) => (typeof piece === 'string' ? foldCase(piece) : piece)
    const pieces = isCased ? given : given.map(fold)
    const texts = given.filter((piece) => typeof piece === 'string').map(foldCase)
    const [longest] = texts.sort((a, b) => b.length - a.length)
    return this.#automaton({
      field,
      source: `wildcard ${JSON.stringify(pieces)}`,
      isFolded: !isCased,
      make: (mostWork) => new Automaton(patternOf(pieces), mostWork),
      needed: () => (longest === undefined ? undefined : [longest]),
    })
  }

  #regex(field: number, text: string): Node {
    const { regexFlags } = this.#modifiers
    const [i, m, s] = ['i', 'm', 's'].map((flag) => regexFlags.includes(flag))
    const pattern = () => parsePattern(text, { i: i ?? false, m: m ?? false, s: s ?? false })
    return this.#automaton({
      field,
      source: `regex ${regexFlags} ${text}`,
      isFolded: false,
      make: (mostWork) => new Automaton(pattern(), mostWork),
      needed: () => neededLiterals(pattern()),
    })
  }

  #automaton(given: {
    readonly field: number
    readonly source: string
    readonly isFolded: boolean
    readonly make: (mostWork: number) => Automaton
    readonly needed: () => readonly string[] | undefined
  }): Node {
    const { field, source, isFolded } = given
    const reading = this.#reading
    const mostWork = Math.min(MAX_WORK, reading.workLeft)
    if (mostWork === 0) return this.#refuse('regex', 'the ones before took too long to make')
    reading.workLeft -= mostWork
    try {
      const needed = given.needed()
      const automaton = given.make(mostWork)
      reading.workLeft += mostWork - automaton.work
      return check({
        ...{ op: 'automaton', field, source, isFolded, automaton },
        ...(needed && { needed }),
      })
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      return this.#refuse('regex', error.message.replace(/\.$/, ''))
    }
  }

  #reference(field: number, name: string): Node {
    const { fields } = this.#reading.eventClass
    const other = fields.findIndex((each) => each.name === name)
    if (other < 0) {
      this.#reading.absent.add(name.slice(0, 80))
      return UNKNOWN
    }
    const { comparison, isCased } = this.#modifiers
    const text = comparison as TextComparison
    return check({ op: 'field', field, other, comparison: text, isCased })
  }

  /** Whether the field could ever say this. */
  #isPossible(field: number, value: YamlValue): boolean {
    const only = this.#reading.eventClass.fields[field]?.only
    if (!only || this.#modifiers.comparison !== 'equals' || value === null) return true
    const text = foldCase(String(value))
    return /[*?]/.test(text) || only.some((each) => foldCase(each) === text)
  }

  #absentValue(value: YamlValue): Node {
    this.#reading.absent.add(`${this.#name}: ${String(value).slice(0, 40)}`)
    return UNKNOWN
  }

  #refuse(code: 'value' | 'regex' | 'limit', why: string): Node {
    this.#reading.reasons.add(code, `${this.#name || 'A keyword'}: ${why}.`)
    return UNKNOWN
  }
}

function or(of: readonly Node[]): Node {
  const [only] = of
  return of.length === 1 && only ? only : { kind: 'or', of }
}
