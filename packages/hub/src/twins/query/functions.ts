import type { JsonObject, JsonValue } from '@twinward/protocol'
import type { Value } from './ast.ts'
import { isPrimitive, typeOf } from './values.ts'

/** A function of the language. What it cannot work with makes it `undefined`. */
export interface QueryFunction {
  readonly minArgs: number
  readonly maxArgs: number
  call(...args: readonly Value[]): Value
}

/** Arguments of CONCAT. */
const MAX_ARGS = 64
/** A longer text is none, so that a condition cannot make texts without end. */
const MAX_TEXT_CHARACTERS = 65_536
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** Functions by their names in upper case, and arithmetic operators (07 §2.1, §2.2). */
const FUNCTIONS: Readonly<Record<string, QueryFunction>> = {
  IS_DEFINED: one((value) => value !== undefined),
  IS_NULL: one((value) => value === null),
  IS_BOOL: one((value) => typeof value === 'boolean'),
  IS_NUMBER: one((value) => typeof value === 'number'),
  IS_STRING: one((value) => typeof value === 'string'),
  IS_ARRAY: one((value) => typeOf(value) === 'array'),
  IS_OBJECT: one((value) => typeOf(value) === 'object'),
  IS_PRIMITIVE: one((value) => isPrimitive(value)),

  STARTS_WITH: ofTexts((text, start) => text.startsWith(start)),
  ENDS_WITH: ofTexts((text, end) => text.endsWith(end)),
  CONTAINS: ofTexts((text, part) => text.includes(part)),
  INDEX_OF: ofTexts((text, part) => {
    const at = text.indexOf(part)
    return at < 0 ? at : countCharacters(text.slice(0, at))
  }),
  LENGTH: ofText(countCharacters),
  LOWER: ofText((text) => text.toLowerCase()),
  UPPER: ofText((text) => text.toUpperCase()),
  SUBSTRING: { minArgs: 2, maxArgs: 3, call: substring },
  CONCAT: { minArgs: 2, maxArgs: MAX_ARGS, call: concat },

  ABS: ofNumber(Math.abs),
  CEILING: ofNumber(Math.ceil),
  FLOOR: ofNumber(Math.floor),
  SIGN: ofNumber(Math.sign),
  SQRT: ofNumber(Math.sqrt),
  SQUARE: ofNumber((x) => x * x),
  EXP: ofNumber(Math.exp),
  POWER: ofNumbers((x, y) => x ** y),
  AS_NUMBER: one(asNumber),

  '+': ofNumbers((x, y) => x + y),
  '-': ofNumbers((x, y) => x - y),
  '*': ofNumbers((x, y) => x * y),
  '/': ofNumbers((x, y) => x / y),
  '%': ofNumbers((x, y) => x % y),

  '||': { minArgs: 2, maxArgs: 2, call: concat },
  '??': { minArgs: 2, maxArgs: 2, call: (value, other) => (value === undefined ? other : value) },
  '[]': { minArgs: 2, maxArgs: 2, call: elementAt },
  '.': { minArgs: 2, maxArgs: 2, call: memberOf },
}

/** @param name  as it was written; function names are not case-sensitive */
export function findFunction(name: string): QueryFunction | undefined {
  const key = name.toUpperCase()
  return Object.hasOwn(FUNCTIONS, key) ? FUNCTIONS[key] : undefined
}

/** `name` must be one of the table, in upper case. */
export function callFunction(name: string, args: readonly Value[]): Value {
  const found = FUNCTIONS[name]
  if (!found) throw new Error(`There is no function ${name}.`)
  return found.call(...args)
}

function one(call: (value: Value) => Value): QueryFunction {
  return { minArgs: 1, maxArgs: 1, call }
}

function ofText(call: (text: string) => Value): QueryFunction {
  return one((text) => (typeof text === 'string' ? call(text) : undefined))
}

function ofTexts(call: (a: string, b: string) => Value): QueryFunction {
  return {
    minArgs: 2,
    maxArgs: 2,
    call: (a, b) => (typeof a === 'string' && typeof b === 'string' ? call(a, b) : undefined),
  }
}

function ofNumber(call: (x: number) => number): QueryFunction {
  return one((x) => (typeof x === 'number' ? finite(call(x)) : undefined))
}

function ofNumbers(call: (x: number, y: number) => number): QueryFunction {
  return {
    minArgs: 2,
    maxArgs: 2,
    call: (x, y) =>
      typeof x === 'number' && typeof y === 'number' ? finite(call(x, y)) : undefined,
  }
}

/** JSON has neither infinity nor NaN nor minus zero. */
function finite(x: number): Value {
  if (!Number.isFinite(x)) return undefined
  return x === 0 ? 0 : x
}

function asNumber(value: Value): Value {
  if (typeof value === 'number') return value
  return typeof value === 'string' && DECIMAL.test(value) ? finite(Number(value)) : undefined
}

function concat(...texts: readonly Value[]): Value {
  if (!texts.every((text) => typeof text === 'string')) return undefined
  const joined = texts.join('')
  return joined.length > MAX_TEXT_CHARACTERS ? undefined : joined
}

function elementAt(array: Value, index: Value): Value {
  return Array.isArray(array) ? (array as readonly JsonValue[])[Number(index)] : undefined
}

/** An own member, of an object only. */
function memberOf(object: Value, key: Value): Value {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return undefined
  const name = String(key)
  return Object.hasOwn(object, name) ? (object as JsonObject)[name] : undefined
}

/** From the character `start` (0 is the first), to the end or `length` characters. */
function substring(text: Value, start: Value, length: Value = Number.MAX_SAFE_INTEGER): Value {
  if (typeof text !== 'string' || !isCount(start) || !isCount(length)) return undefined
  return [...text].slice(start, start + length).join('')
}

function isCount(value: Value): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** Code points: half of a surrogate pair is no character. */
function countCharacters(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
