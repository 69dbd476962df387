import { MAX_JSON_DEPTH } from './limits.ts'

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const LITERAL = /true|false|null/y
const SPACE = /[ \t\n\r]*/y
const ESCAPE = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y
const LONE_SURROGATE = /\p{Cs}/u
const MAX_NAME_CHARACTERS = 64
const QUOTE = 0x22
const BACKSLASH = 0x5c
/** Control characters must be escaped. */
const FIRST_PRINTABLE = 0x20

/** The text, how far it was read, and the names on the way to here. */
interface Cursor {
  readonly text: string
  at: number
  readonly path: string[]
}

/** Ends the reading; never leaves this file. */
class Fault extends Error {
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

/**
 * Reads JSON slowly and says in one sentence what is wrong with it first, and where: what is no JSON,
 * a member named twice, half a surrogate pair, a number or a depth out of range.
 *
 * @returns `undefined` when nothing is
 */
export function findJsonFault(text: string): string | undefined {
  const cursor: Cursor = { text, at: 0, path: [] }
  try {
    skipSpace(cursor)
    if (cursor.at === text.length) return 'The body is empty.'
    readValue(cursor, 0)
    skipSpace(cursor)
    if (cursor.at < text.length) throw notJson(cursor, 'the end')
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    return `${thrown.message} (${placeOf(text, thrown.at)}).`
  }
}

function readValue(cursor: Cursor, depth: number): void {
  const { text, at } = cursor
  const first = text[at]
  if (first === '{') readObject(cursor, depth)
  else if (first === '[') readArray(cursor, depth)
  else if (first === '"') readString(cursor)
  else readScalar(cursor)
}

function readScalar(cursor: Cursor): void {
  const { at, path } = cursor
  const number = readMatch(cursor, NUMBER)
  if (number === '') {
    if (readMatch(cursor, LITERAL) === '') throw notJson(cursor, 'a value')
  } else if (!Number.isFinite(Number(number))) {
    throw new Fault(at, `The number ${of(path)}is out of range`)
  }
}

function readObject(cursor: Cursor, depth: number): void {
  enter(cursor, depth)
  const names = new Set<string>()
  if (take(cursor, '}')) return
  for (;;) {
    const { at } = cursor
    if (cursor.text[at] !== '"') throw notJson(cursor, 'a name in quotes')
    const name = readString(cursor)
    if (names.has(name)) {
      throw new Fault(at, `The member ${quote(name)} ${of(cursor.path)}is there twice`)
    }
    names.add(name)
    skipSpace(cursor)
    if (!take(cursor, ':')) throw notJson(cursor, "':'")
    cursor.path.push(name)
    readValue(cursor, depth + 1)
    cursor.path.pop()
    skipSpace(cursor)
    if (take(cursor, '}')) return
    if (!take(cursor, ',')) throw notJson(cursor, "',' or '}'")
  }
}

function readArray(cursor: Cursor, depth: number): void {
  enter(cursor, depth)
  if (take(cursor, ']')) return
  for (let index = 0; ; index++) {
    cursor.path.push(String(index))
    readValue(cursor, depth + 1)
    cursor.path.pop()
    skipSpace(cursor)
    if (take(cursor, ']')) return
    if (!take(cursor, ',')) throw notJson(cursor, "',' or ']'")
  }
}

/** Steps over the bracket. */
function enter(cursor: Cursor, depth: number): void {
  if (depth >= MAX_JSON_DEPTH) {
    throw new Fault(cursor.at, `The body nests deeper than ${MAX_JSON_DEPTH} levels`)
  }
  cursor.at++
  skipSpace(cursor)
}

function readString(cursor: Cursor): string {
  const start = cursor.at
  let isPlain = true
  cursor.at++
  for (let unit = unitAt(cursor); unit !== QUOTE; unit = unitAt(cursor)) {
    // Behind the end it is NaN, which no comparison lets pass.
    if (!(unit >= FIRST_PRINTABLE)) throw notJson(cursor, 'the rest of the string')
    cursor.at++
    if (unit !== BACKSLASH) continue
    isPlain = false
    if (readMatch(cursor, ESCAPE) === '') throw notJson(cursor, 'an escaped character')
  }
  cursor.at++
  const literal = cursor.text.slice(start, cursor.at)
  const value = isPlain ? literal.slice(1, -1) : String(JSON.parse(literal))
  if (LONE_SURROGATE.test(value)) {
    throw new Fault(start, `A string ${of(cursor.path)}contains half a surrogate pair`)
  }
  return value
}

function unitAt({ text, at }: Cursor): number {
  return text.charCodeAt(at)
}

/** Takes a character and the space behind it, if it comes next. */
function take(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false
  cursor.at++
  if (character === ',' || character === ':') skipSpace(cursor)
  return true
}

function skipSpace(cursor: Cursor): void {
  readMatch(cursor, SPACE)
}

/** What a sticky expression matches here, stepped over; empty when nothing. */
function readMatch(cursor: Cursor, expression: RegExp): string {
  expression.lastIndex = cursor.at
  const match = expression.exec(cursor.text)?.[0] ?? ''
  cursor.at += match.length
  return match
}

function notJson({ at }: Cursor, expected: string): Fault {
  return new Fault(at, `The body is not JSON: expected ${expected}`)
}

function of(path: readonly string[]): string {
  return path.length === 0 ? '' : `of ${quote(path.join('.'))} `
}

function quote(name: string): string {
  const isLong = name.length > MAX_NAME_CHARACTERS
  return JSON.stringify(isLong ? `${name.slice(0, MAX_NAME_CHARACTERS)}…` : name)
}

function placeOf(text: string, at: number): string {
  const lines = text.slice(0, at).split('\n')
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
}
