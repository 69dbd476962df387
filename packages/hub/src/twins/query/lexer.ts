import { syntaxError } from './syntax-error.ts'

/**
 * A piece of the text. `word` is an identifier or a keyword, `quoted` the text between `[[` and `]]`;
 * `at` is the offset of its first character.
 */
export type Token =
  | {
      readonly kind: 'word' | 'quoted' | 'string' | 'symbol'
      readonly text: string
      readonly at: number
    }
  | { readonly kind: 'number'; readonly value: number; readonly text: string; readonly at: number }
  | { readonly kind: 'end'; readonly text: ''; readonly at: number }

const SPACE = /(?:\s+|\/\*[\s\S]*?\*\/)+/y
/** `$` begins the members that the hub adds to properties: `$metadata`, `$version`. */
const WORD = /[\p{L}_$][\p{L}\p{N}_$-]*/uy
/** The name may end with a `]` of its own. */
const QUOTED = /\[\[([\s\S]*?)\]\](?!\])/y
const HEX = /0[xX][0-9a-fA-F]+/y
const DECIMAL = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const SYMBOL = /!=|<>|<=|>=|\|\||\?\?|[=<>+\-*/%(),.[\]]/y
const PLAIN_IN_STRING = /[^'"\\]+/y
const ESCAPE = /\\(?:u[0-9a-fA-F]{4}|['"\\/bfnrt])/y

const CONTROLS: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/**
 * Cuts a query into tokens; the last one is `end`.
 *
 * @throws {HubError} `ArgumentInvalid` that names the character
 */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = skip(text, 0)
  while (at < text.length) {
    const { token, end } = readToken(text, at)
    tokens.push(token)
    at = skip(text, end)
  }
  tokens.push({ kind: 'end', text: '', at: text.length })
  return tokens
}

function skip(text: string, at: number): number {
  const end = at + match(SPACE, text, at).length
  if (text.startsWith('/*', end)) throw syntaxError(end, 'this comment has no end')
  return end
}

interface Read {
  readonly token: Token
  readonly end: number
}

function readToken(text: string, at: number): Read {
  const first = text[at] as string
  if (first === "'" || first === '"') return readString(text, at, first)
  if (first >= '0' && first <= '9') return readNumber(text, at)
  if (text.startsWith('[[', at)) return readQuoted(text, at)
  const word = match(WORD, text, at)
  if (word !== '') return { token: { kind: 'word', text: word, at }, end: at + word.length }
  const symbol = match(SYMBOL, text, at)
  if (symbol !== '') return { token: { kind: 'symbol', text: symbol, at }, end: at + symbol.length }
  const character = String.fromCodePoint(text.codePointAt(at) as number)
  throw syntaxError(at, `${JSON.stringify(character)} has no meaning here`)
}

function readQuoted(text: string, at: number): Read {
  QUOTED.lastIndex = at
  const found = QUOTED.exec(text)
  if (!found) throw syntaxError(at, 'this [[ has no ]]')
  return { token: { kind: 'quoted', text: found[1] as string, at }, end: QUOTED.lastIndex }
}

function readNumber(text: string, at: number): Read {
  const digits = match(HEX, text, at) || match(DECIMAL, text, at)
  const end = at + digits.length
  const value = Number(digits)
  if (!Number.isFinite(value)) throw syntaxError(at, 'this number is too large')
  if (match(WORD, text, end) !== '') throw syntaxError(end, 'a number may not go on like this')
  return { token: { kind: 'number', value, text: digits, at }, end }
}

/** The quote that encloses it may stand inside after a backslash, or doubled. */
function readString(text: string, at: number, quote: string): Read {
  let value = ''
  let next = at + 1
  for (;;) {
    const plain = match(PLAIN_IN_STRING, text, next)
    value += plain
    next += plain.length
    const character = text[next]
    if (character === undefined) throw syntaxError(at, 'this string has no end')
    if (character === '\\') {
      const escaped = match(ESCAPE, text, next)
      if (escaped === '')
        throw syntaxError(next, `expected one of \\' \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX`)
      value += readEscape(escaped)
      next += escaped.length
    } else if (character !== quote) {
      value += character
      next++
    } else if (text[next + 1] === quote) {
      value += quote
      next += 2
    } else {
      checkText(value, at)
      return { token: { kind: 'string', text: value, at }, end: next + 1 }
    }
  }
}

function readEscape(escaped: string): string {
  const letter = escaped[1] as string
  if (letter === 'u') return String.fromCharCode(Number.parseInt(escaped.slice(2), 16))
  return CONTROLS[letter] ?? letter
}

/** What no twin can hold (twins/limits.ts), so that every store compares the same texts. */
function checkText(value: string, at: number): void {
  if (value.includes('\0') || /\p{Cs}/u.test(value)) {
    throw syntaxError(at, 'this string contains U+0000 or half a surrogate pair')
  }
}

/** The text that `pattern` (sticky) matches at `at`, or ''. */
function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}
