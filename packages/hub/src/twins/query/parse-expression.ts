import type { ComparisonOperator, Expression, Path, Primitive, Source, Subject } from './ast.ts'
import { findFunction } from './functions.ts'
import type { Token } from './lexer.ts'
import { messageExpression } from './message-paths.ts'
import { resolvePath } from './paths.ts'
import { syntaxError } from './syntax-error.ts'
import type { TokenReader } from './token-reader.ts'

/** How deep parentheses, NOT, calls and chains of operators may nest; AND and OR chains are flat. */
export const MAX_EXPRESSION_DEPTH = 100

const KEYWORDS: ReadonlySet<string> = new Set([
  ...['SELECT', 'TOP', 'AS', 'FROM', 'WHERE', 'GROUP', 'BY'],
  ...['AND', 'OR', 'NOT', 'IN', 'NIN', 'TRUE', 'FALSE', 'NULL', 'UNDEFINED'],
])

const CONSTANTS: ReadonlyMap<string, Primitive> = new Map<string, Primitive>([
  ['TRUE', true],
  ['FALSE', false],
  ['NULL', null],
  ['UNDEFINED', undefined],
])

const COMPARISONS: ReadonlyMap<string, ComparisonOperator> = new Map<string, ComparisonOperator>([
  ...(['=', '!=', '<', '<=', '>', '>='] as const).map((operator) => [operator, operator] as const),
  ['<>', '!='],
])

/** Levels of 07 §2.1, weakest first; operators of a level associate to the left. */
const LEVELS: readonly ReadonlySet<string>[] = [
  new Set(['=', '!=', '<>']),
  new Set(['<', '>', '<=', '>=', 'IN', 'NIN']),
  new Set(['+', '-']),
  new Set(['*', '/', '%']),
]
/** Of message routing, which also has `??`, the weakest of all. */
const MESSAGE_LEVELS = LEVELS.map((level) => (level.has('+') ? new Set([...level, '||']) : level))

/**
 * Reads an expression:
 *
 *     or         := and (OR and)*
 *     and        := not (AND not)*
 *     not        := NOT not | comparison
 *     comparison := operands with the operators of LEVELS between them
 *     operand    := literal | path | function '(' or (',' or)* ')' | '(' or ')' | '-' operand
 *
 * So `NOT a = b` is `NOT (a = b)` (07 §2.1). Of messages, `or ('??' or)*` stands wherever `or` does.
 *
 * @param subject  what the paths are about
 * @throws {HubError} `ArgumentInvalid` that names the character
 */
export function parseExpression(reader: TokenReader, subject: Subject): Expression {
  return new ExpressionParser(reader, subject).whole()
}

/** A property, `tags.site` or `configurations.[[x]].status`. */
export function parsePath(reader: TokenReader, source: Source): Path {
  const { at } = reader.token
  const written = [segment(reader, true)]
  while (reader.skipSymbol('.')) written.push(segment(reader, false))
  const keys = resolvePath(written, source)
  if (typeof keys === 'string') throw syntaxError(at, keys)
  return { kind: 'path', keys }
}

/** Whether a path may begin with this token; keywords are names only after a dot. */
export function isName(token: Token): boolean {
  return (
    token.kind === 'quoted' || (token.kind === 'word' && !KEYWORDS.has(token.text.toUpperCase()))
  )
}

function segment(reader: TokenReader, isFirst: boolean): string {
  const { token } = reader
  if (isFirst ? !isName(token) : token.kind !== 'word' && token.kind !== 'quoted') {
    throw reader.expected(isFirst ? 'a property' : 'the name of a property (or [[name]])')
  }
  return reader.take().text
}

class ExpressionParser {
  readonly #reader: TokenReader
  readonly #subject: Subject
  readonly #levels: readonly ReadonlySet<string>[]
  /** Parentheses, calls, NOT and signs around the token. */
  #open = 0
  readonly #depths = new WeakMap<Expression, number>()

  constructor(reader: TokenReader, subject: Subject) {
    this.#reader = reader
    this.#subject = subject
    this.#levels = subject === 'messages' ? MESSAGE_LEVELS : LEVELS
  }

  whole(): Expression {
    let left = this.#or()
    while (this.#subject === 'messages') {
      const { at } = this.#reader.token
      if (!this.#reader.skipSymbol('??')) break
      const args = [left, this.#or()]
      left = this.#above(at, { kind: 'call', name: '??', args }, args)
    }
    return left
  }

  #or(): Expression {
    return this.#chain('or', 'OR', () => this.#chain('and', 'AND', () => this.#not()))
  }

  #chain(kind: 'and' | 'or', keyword: string, next: () => Expression): Expression {
    const first = next()
    const { at } = this.#reader.token
    if (!this.#reader.isKeyword(keyword)) return first
    const terms = [first]
    while (this.#reader.skipKeyword(keyword)) terms.push(next())
    return this.#above(at, { kind, terms }, terms)
  }

  #not(): Expression {
    const { at } = this.#reader.token
    if (!this.#reader.skipKeyword('NOT')) return this.#level(0)
    const of = this.#inside(at, () => this.#not())
    return this.#above(at, { kind: 'not', of }, [of])
  }

  #level(level: number): Expression {
    const operators = this.#levels[level]
    if (!operators) return this.#operand()
    let left = this.#level(level + 1)
    for (;;) {
      const { token } = this.#reader
      const operator = token.text.toUpperCase()
      const isOperator = token.kind === 'symbol' || token.kind === 'word'
      if (!isOperator || !operators.has(operator)) break
      this.#reader.take()
      left = this.#operation(token.at, operator, left, level)
    }
    return left
  }

  #operation(at: number, sign: string, left: Expression, level: number): Expression {
    if (sign === 'IN' || sign === 'NIN') {
      const kind = sign === 'IN' ? 'in' : 'nin'
      return this.#above(at, { kind, of: left, values: this.#array() }, [left])
    }
    const right = this.#level(level + 1)
    const operator = COMPARISONS.get(sign)
    const operation: Expression = operator
      ? { kind: 'compare', operator, left, right }
      : { kind: 'call', name: sign, args: [left, right] }
    return this.#above(at, operation, [left, right])
  }

  #operand(): Expression {
    const { token } = this.#reader
    if (token.kind === 'number' || token.kind === 'string') {
      return { kind: 'literal', value: this.#literal() }
    }
    if (this.#reader.isKeyword('NOT')) return this.#not()
    if (token.kind === 'word' && CONSTANTS.has(token.text.toUpperCase())) {
      return { kind: 'literal', value: this.#literal() }
    }
    if (token.kind === 'word' && this.#reader.isBefore('(') && isName(token)) return this.#call()
    if (isName(token)) return this.#path(this.#subject)
    if (this.#reader.skipSymbol('(')) {
      const inner = this.#inside(token.at, () => this.whole())
      this.#reader.expectSymbol(')')
      return inner
    }
    if (this.#reader.skipSymbol('-')) return this.#negative(token.at)
    throw this.#reader.expected('a value')
  }

  #path(subject: Subject): Expression {
    if (subject !== 'messages') return parsePath(this.#reader, subject)
    const { at } = this.#reader.token
    const steps: (string | number)[] = [segment(this.#reader, true)]
    for (;;) {
      if (this.#reader.skipSymbol('.')) steps.push(segment(this.#reader, false))
      else if (this.#reader.skipSymbol('[')) steps.push(this.#index())
      else break
    }
    const found = messageExpression(steps)
    if (typeof found === 'string') throw syntaxError(at, found)
    // The calls in it nest as deep as the elements that it names.
    this.#checkDepth(at, steps.length)
    this.#depths.set(found, steps.length)
    return found
  }

  #index(): number {
    const { token } = this.#reader
    if (token.kind !== 'number' || !Number.isSafeInteger(token.value)) {
      throw this.#reader.expected('the number of an element')
    }
    this.#reader.take()
    this.#reader.expectSymbol(']')
    return token.value
  }

  #negative(at: number): Expression {
    const of = this.#inside(at, () => this.#operand())
    if (of.kind === 'literal' && typeof of.value === 'number') {
      return { kind: 'literal', value: of.value === 0 ? 0 : -of.value }
    }
    const zero: Expression = { kind: 'literal', value: 0 }
    return this.#above(at, { kind: 'call', name: '-', args: [zero, of] }, [of])
  }

  #call(): Expression {
    const name = this.#reader.take()
    const found = /^[A-Z]/i.test(name.text) ? findFunction(name.text) : undefined
    if (!found) throw syntaxError(name.at, `there is no function ${name.text.slice(0, 32)}`)
    this.#reader.expectSymbol('(')
    const args: Expression[] = []
    if (!this.#reader.isSymbol(')')) {
      do args.push(this.#inside(name.at, () => this.whole()))
      while (this.#reader.skipSymbol(','))
    }
    if (!this.#reader.isSymbol(')')) throw this.#reader.expected(', or )')
    const { minArgs, maxArgs } = found
    if (args.length < minArgs || args.length > maxArgs) {
      const takes = minArgs === maxArgs ? minArgs : `${minArgs} to ${maxArgs}`
      const upper = name.text.toUpperCase()
      throw syntaxError(name.at, `${upper} takes ${takes} arguments, found ${args.length}`)
    }
    this.#reader.expectSymbol(')')
    return this.#above(name.at, { kind: 'call', name: name.text.toUpperCase(), args }, args)
  }

  #array(): readonly Primitive[] {
    const values: Primitive[] = []
    this.#reader.expectSymbol('[')
    do values.push(this.#literal())
    while (this.#reader.skipSymbol(','))
    if (!this.#reader.skipSymbol(']')) throw this.#reader.expected(', or ]')
    return values
  }

  #literal(): Primitive {
    const isNegative = this.#reader.skipSymbol('-')
    const { token } = this.#reader
    if (token.kind === 'number') {
      this.#reader.take()
      return isNegative && token.value !== 0 ? -token.value : token.value
    }
    if (isNegative) throw this.#reader.expected('a number')
    if (token.kind === 'string') return this.#reader.take().text
    const name = token.kind === 'word' ? token.text.toUpperCase() : ''
    if (!CONSTANTS.has(name)) throw this.#reader.expected('a string, a number, TRUE, FALSE or NULL')
    this.#reader.take()
    return CONSTANTS.get(name)
  }

  /** Parses what stands inside something; recursion has its limit here. */
  #inside(at: number, parse: () => Expression): Expression {
    this.#checkDepth(at, ++this.#open)
    const parsed = parse()
    this.#open--
    return parsed
  }

  /** A node over its parts; `a + b + c + …` grows to the left without recursion. */
  #above(at: number, node: Expression, parts: readonly Expression[]): Expression {
    let depth = 1
    for (const part of parts) depth = Math.max(depth, (this.#depths.get(part) ?? 0) + 1)
    this.#checkDepth(at, depth)
    this.#depths.set(node, depth)
    return node
  }

  #checkDepth(at: number, depth: number): void {
    if (depth > MAX_EXPRESSION_DEPTH) {
      throw syntaxError(at, `it nests deeper than ${MAX_EXPRESSION_DEPTH} levels`)
    }
  }
}
