import type { ComparisonOperator, Primitive, Value } from './ast.ts'

export type ValueType = 'undefined' | 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object'

export function typeOf(value: Value): ValueType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value as ValueType
}

/** Strings, numbers, booleans and null: what can be compared. */
export function isPrimitive(value: Value): value is Exclude<Primitive, undefined> {
  return value !== undefined && (value === null || typeof value !== 'object')
}

/**
 * Compares without coercion (07 §3.2): values of two types, missing ones, objects and arrays make
 * every comparison false, `!=` too. Only numbers and strings have an order.
 */
export function compare(operator: ComparisonOperator, left: Value, right: Value): boolean {
  if (!isPrimitive(left) || typeOf(left) !== typeOf(right)) return false
  if (operator === '=') return left === right
  if (operator === '!=') return left !== right
  if (typeof left === 'number') return orders(operator, left - (right as number))
  return typeof left === 'string' && orders(operator, compareTexts(left, right as string))
}

function orders(operator: '<' | '<=' | '>' | '>=', difference: number): boolean {
  if (operator === '<') return difference < 0
  if (operator === '<=') return difference <= 0
  return operator === '>' ? difference > 0 : difference >= 0
}

/** The order of the code points, as UTF-8 has it; UTF-16 puts U+10000 and above elsewhere. */
export function compareTexts(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let i = 0; i < length; i++) {
    if (left.charCodeAt(i) === right.charCodeAt(i)) continue
    // Half of a pair compares like its whole: both sides agree on what came before.
    return codePointOrder(left.charCodeAt(i)) - codePointOrder(right.charCodeAt(i))
  }
  return left.length - right.length
}

/** Moves surrogates behind the other code units. */
function codePointOrder(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
