import type { TSchema } from 'typebox'
import { Check } from 'typebox/value'

/** The JSON Schema keywords that security messages use. */
interface Keywords {
  readonly type?: string
  readonly description?: string
  readonly properties?: { readonly [name: string]: TSchema }
  readonly required?: readonly string[]
  readonly additionalProperties?: TSchema | boolean
  readonly items?: TSchema
  readonly minItems?: number
  readonly maxItems?: number
}

/**
 * Says in one line what is wrong with a value that its schema refused, and where:
 * `Events[3].Payload[0].RemotePort: expected a string or integer, got object`. Slow next to the
 * compiled check, so only for values that failed it.
 */
export function explainMismatch(schema: TSchema, value: unknown, path: string): string {
  return (
    findMismatch(schema, value, path) ?? `${path}: expected ${(schema as Keywords).description}`
  )
}

function findMismatch(schema: TSchema, value: unknown, path: string): string | undefined {
  // Without the annotation the compiler believes that what is left cannot exist.
  const isMet: boolean = Check(schema, value)
  if (isMet) return undefined
  const keywords = schema as Keywords
  if (keywords.type === 'array' && Array.isArray(value) && hasItemCount(keywords, value)) {
    for (const [index, item] of value.entries()) {
      const found = keywords.items && findMismatch(keywords.items, item, `${path}[${index}]`)
      if (found !== undefined) return found
    }
  }
  if (keywords.type === 'object' && isPlainObject(value)) {
    return findInMembers(keywords, value, path) ?? mismatch(keywords, value, path)
  }
  return mismatch(keywords, value, path)
}

function findInMembers(
  { properties = {}, required = [], additionalProperties }: Keywords,
  value: Record<string, unknown>,
  path: string,
): string | undefined {
  const prefix = path === '' ? '' : `${path}.`
  for (const name of required) {
    if (!Object.hasOwn(value, name)) return `${prefix}${name}: required, but missing`
  }
  for (const [name, member] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : additionalProperties
    if (known === false) return `${prefix}${shown(name)}: not a member of this object`
    if (known === undefined || known === true) continue
    const found = findMismatch(known, member, `${prefix}${shown(name)}`)
    if (found !== undefined) return found
  }
  return undefined
}

function mismatch({ description }: Keywords, value: unknown, path: string): string {
  return `${path === '' ? 'the message' : path}: expected ${description}, got ${describe(value)}`
}

function hasItemCount({ minItems = 0, maxItems = Infinity }: Keywords, value: readonly unknown[]) {
  return value.length >= minItems && value.length <= maxItems
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** How much of a sender's own text a reason repeats, in characters. */
const MAX_SHOWN = 40

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'string') return JSON.stringify(shown(value))
  if (typeof value === 'object') return 'object'
  return `${typeof value} ${shown(String(value))}`
}

function shown(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`
}
