import type { HubError } from '@twinward/protocol'
import type { Token } from './lexer.ts'
import { syntaxError } from './syntax-error.ts'

/** Walks over the tokens of one text. */
export class TokenReader {
  readonly #tokens: readonly Token[]
  #next = 0

  /** @param tokens  as `tokenize` makes them */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get token(): Token {
    return this.#tokens[this.#next] as Token
  }

  /** Whether the token after this one is that symbol. */
  isBefore(symbol: string): boolean {
    const next = this.#tokens[this.#next + 1]
    return next?.kind === 'symbol' && next.text === symbol
  }

  take(): Token {
    const { token } = this
    if (token.kind !== 'end') this.#next++
    return token
  }

  isSymbol(text: string): boolean {
    const { token } = this
    return token.kind === 'symbol' && token.text === text
  }

  /** @param keyword  in upper case */
  isKeyword(keyword: string): boolean {
    const { token } = this
    return token.kind === 'word' && token.text.toUpperCase() === keyword
  }

  skipSymbol(text: string): boolean {
    if (!this.isSymbol(text)) return false
    this.#next++
    return true
  }

  skipKeyword(keyword: string): boolean {
    if (!this.isKeyword(keyword)) return false
    this.#next++
    return true
  }

  expectSymbol(text: string): void {
    if (!this.skipSymbol(text)) throw this.expected(text)
  }

  expectKeyword(keyword: string): void {
    if (!this.skipKeyword(keyword)) throw this.expected(keyword)
  }

  /** The error that something else than this token was expected. */
  expected(what: string): HubError {
    const { token } = this
    const found = token.kind === 'end' ? 'the end' : JSON.stringify(shorten(token.text))
    return syntaxError(token.at, `expected ${what}, found ${found}`)
  }
}

const MAX_SHOWN_CHARACTERS = 32

function shorten(text: string): string {
  return text.length <= MAX_SHOWN_CHARACTERS ? text : `${text.slice(0, MAX_SHOWN_CHARACTERS)}…`
}
