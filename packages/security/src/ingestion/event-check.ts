import type { TSchema } from 'typebox'

/** The keywords of what `readEventSchema` makes. */
interface Keywords {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly properties?: { readonly [name: string]: TSchema }
  readonly required?: readonly string[]
  readonly additionalProperties?: TSchema | boolean
  readonly items?: TSchema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
}

/**
 * Whether a value is as its schema says. Goes through the value, not the schema: thousands of empty
 * elements cost what they are worth to their sender, however many members the schema names. Pure.
 *
 * @param schema  of `readEventSchema`
 */
export function conforms(schema: TSchema, value: unknown): boolean {
  const keywords = schema as Keywords
  if (keywords.enum !== undefined) return keywords.enum.includes(value)
  switch (keywords.type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? membersConform(keywords, value as Record<string, unknown>)
        : false
    case 'array':
      return Array.isArray(value) && itemsConform(keywords, value)
    case 'string':
      return typeof value === 'string' && hasLength(keywords, value)
    case 'integer':
      return Number.isInteger(value) && isInRange(keywords, value as number)
    case 'number':
      return typeof value === 'number' && isInRange(keywords, value)
    case 'boolean':
      return typeof value === 'boolean'
    case 'null':
      return value === null
    default:
      // Items of an array about which nothing is said.
      return true
  }
}

function membersConform(
  { properties = {}, required = [], additionalProperties = true }: Keywords,
  value: Record<string, unknown>,
): boolean {
  const members = Object.entries(value)
  if (required.length > members.length) return false
  if (!required.every((name) => Object.hasOwn(value, name))) return false
  return members.every(([name, member]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : additionalProperties
    if (typeof known === 'boolean' || known === undefined) return known !== false
    return conforms(known, member)
  })
}

function itemsConform(
  { items, minItems = 0, maxItems = Number.POSITIVE_INFINITY }: Keywords,
  value: readonly unknown[],
): boolean {
  if (value.length < minItems || value.length > maxItems) return false
  return items === undefined || value.every((item) => conforms(items, item))
}

/** Lengths count characters, not the halves of them that JavaScript counts. */
function hasLength({ minLength, maxLength }: Keywords, text: string): boolean {
  if (minLength === undefined && maxLength === undefined) return true
  let length = 0
  for (const _ of text) length++
  return length >= (minLength ?? 0) && length <= (maxLength ?? Number.POSITIVE_INFINITY)
}

function isInRange(
  {
    minimum = Number.NEGATIVE_INFINITY,
    maximum = Number.POSITIVE_INFINITY,
    exclusiveMinimum = Number.NEGATIVE_INFINITY,
    exclusiveMaximum = Number.POSITIVE_INFINITY,
  }: Keywords,
  value: number,
): boolean {
  const isAtLeast = value >= minimum && (value > exclusiveMinimum || exclusiveMinimum === -Infinity)
  const isAtMost = value <= maximum && (value < exclusiveMaximum || exclusiveMaximum === Infinity)
  return isAtLeast && isAtMost
}
