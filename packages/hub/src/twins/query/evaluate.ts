import type { JsonObject, JsonValue } from '@twinward/protocol'
import type { Expression, Path, Value } from './ast.ts'
import { callFunction } from './functions.ts'
import { compare, isPrimitive } from './values.ts'

/** Whether a document meets a condition: only `true` does (07 §3.2). */
export function matches(condition: Expression | undefined, document: JsonObject): boolean {
  return condition === undefined || evaluate(condition, document) === true
}

/** What an expression yields for a document. This is what the language means, whatever runs it. */
export function evaluate(expression: Expression, document: JsonObject): Value {
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'path':
      return valueAt(document, expression.keys)
    case 'and':
      return expression.terms.every((term) => matches(term, document))
    case 'or':
      return expression.terms.some((term) => matches(term, document))
    case 'not':
      return !matches(expression.of, document)
    case 'compare': {
      const { operator, left, right } = expression
      return compare(operator, evaluate(left, document), evaluate(right, document))
    }
    case 'in':
      return includes(expression.values, evaluate(expression.of, document))
    case 'nin': {
      const value = evaluate(expression.of, document)
      return isPrimitive(value) && !includes(expression.values, value)
    }
    case 'call':
      return callFunction(
        expression.name,
        expression.args.map((arg) => evaluate(arg, document)),
      )
  }
}

function includes(values: readonly Value[], value: Value): boolean {
  return values.some((candidate) => compare('=', candidate, value))
}

/** Own members only, and none of arrays. */
export function valueAt(document: JsonValue, keys: Path['keys']): Value {
  let value: Value = document
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    if (!Object.hasOwn(value, key)) return undefined
    value = (value as JsonObject)[key]
  }
  return value
}
