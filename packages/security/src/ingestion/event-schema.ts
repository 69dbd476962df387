import { HubError, type JsonObject } from '@twinward/protocol'
import { type TSchema, Type } from 'typebox'

/** Bounds of a schema, so that judging an element by it takes time in proportion to the element. */
export const MAX_SCHEMA_BYTES = 16 * 1024
export const MAX_SCHEMA_DEPTH = 8
export const MAX_SCHEMA_NODES = 256
export const MAX_SCHEMA_WORDS = 100
export const MAX_EVENT_NAME_CHARACTERS = 128

/** Prefix of names that are this program's own to give. */
const OWN_PREFIX = 'twinward.'
const NAME = /^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9][A-Za-z0-9_-]*)+$/

/**
 * Judges the name of a custom event: words with a dot between them, such as `acme.DoorOpened`. No
 * built-in event has a dot, now or later, so that none can be shadowed.
 *
 * @throws {HubError} `ArgumentInvalid`
 */
export function checkEventName(name: string): void {
  if (name.length <= MAX_EVENT_NAME_CHARACTERS && NAME.test(name)) {
    if (!name.toLowerCase().startsWith(OWN_PREFIX)) return
    throw invalid(`Names that begin with ${OWN_PREFIX} are reserved.`)
  }
  throw invalid(
    'The name of a custom event has words of letters, digits, _ and - with a dot between them, ' +
      `such as acme.DoorOpened, and at most ${MAX_EVENT_NAME_CHARACTERS} characters.`,
  )
}

/**
 * Reads the JSON Schema of an event's payload elements: of JSON Schema the keywords `type` (one),
 * `properties`, `required`, `additionalProperties`, `items`, `minItems`, `maxItems`, `enum`, `const`,
 * `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, `minLength`, `maxLength`, and of
 * annotations `$schema`, `title`, `description`, `examples`, `default`. No patterns, references or
 * alternatives: what an operator writes must not be able to cost more than what a device sends.
 *
 * @returns a schema of ours with the same meaning, whose descriptions complete "expected …"
 * @throws {HubError} `ArgumentInvalid` that says what is wrong and where
 */
export function readEventSchema(schema: unknown): TSchema {
  const bytes = Buffer.byteLength(JSON.stringify(schema) ?? '')
  if (bytes > MAX_SCHEMA_BYTES) {
    throw invalid(`The schema has ${bytes} bytes; at most ${MAX_SCHEMA_BYTES} are allowed.`)
  }
  const whole = new SchemaReader().read(schema, 'schema', 1)
  if ((whole as { type?: string }).type === 'object') return whole
  throw invalid('schema.type: elements of a payload are objects, so it must be "object".')
}

const ANNOTATIONS = ['$schema', 'title', 'description', 'examples', 'default']
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'enum', 'const'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'enum', 'const'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'enum', 'const'],
  boolean: ['enum', 'const'],
  null: [],
}

class SchemaReader {
  #nodes = 0

  read(schema: unknown, path: string, depth: number): TSchema {
    if (depth > MAX_SCHEMA_DEPTH) {
      throw invalid(`${path}: the schema nests deeper than ${MAX_SCHEMA_DEPTH} levels.`)
    }
    if (++this.#nodes > MAX_SCHEMA_NODES) {
      throw invalid(`The schema has more than ${MAX_SCHEMA_NODES} parts.`)
    }
    if (!isObject(schema)) throw invalid(`${path}: expected an object.`)
    const { type } = schema
    const allowed =
      typeof type === 'string' && Object.hasOwn(KEYWORDS, type) ? KEYWORDS[type] : undefined
    if (allowed === undefined || typeof type !== 'string') {
      const types = Object.keys(KEYWORDS).join(', ')
      throw invalid(`${path}.type: expected one of ${types}.`)
    }
    for (const keyword of Object.keys(schema)) {
      if (keyword === 'type' || allowed.includes(keyword) || ANNOTATIONS.includes(keyword)) continue
      throw invalid(`${path}.${keyword}: not a keyword that is supported in type "${type}".`)
    }
    if (type === 'object') return this.#object(schema, path, depth)
    if (type === 'array') return this.#array(schema, path, depth)
    return scalar(type, schema, path)
  }

  #object(schema: JsonObject, path: string, depth: number): TSchema {
    const { properties = {}, required = [], additionalProperties = true } = schema
    if (!isObject(properties)) throw invalid(`${path}.properties: expected an object.`)
    if (!isTexts(required)) throw invalid(`${path}.required: expected an array of strings.`)
    // A Map, because `object['__proto__'] = value` would set the prototype instead of a member.
    const members = new Map<string, TSchema>()
    for (const [name, member] of Object.entries(properties)) {
      members.set(name, this.read(member, `${path}.properties.${name}`, depth + 1))
    }
    const rest =
      typeof additionalProperties === 'boolean'
        ? additionalProperties
        : this.read(additionalProperties, `${path}.additionalProperties`, depth + 1)
    // As plain JSON Schema: our builder would make every member required.
    return Type.Unsafe({
      ...{ type: 'object', description: 'an object', required: [...new Set(required)] },
      ...{ properties: Object.fromEntries(members), additionalProperties: rest },
    })
  }

  #array(schema: JsonObject, path: string, depth: number): TSchema {
    const bounds = readBounds(schema, path, ['minItems', 'maxItems'])
    const items = 'items' in schema ? this.read(schema.items, `${path}.items`, depth + 1) : {}
    return Type.Unsafe({
      type: 'array',
      description: described('an array', bounds),
      items,
      ...bounds,
    })
  }
}

function scalar(type: string, schema: JsonObject, path: string): TSchema {
  const words = wordsOf(type, schema, path)
  if (words !== undefined) {
    const description = `one of ${words.map((word) => JSON.stringify(word)).join(', ')}`
    return Type.Unsafe({ enum: words, description })
  }
  const names = KEYWORDS[type]?.filter((name) => /^(min|max|exclusive)/.test(name)) ?? []
  const bounds = readBounds(schema, path, names)
  const noun = type === 'integer' ? 'an integer' : type === 'null' ? 'null' : `a ${type}`
  return Type.Unsafe({ type, description: described(noun, bounds), ...bounds })
}

/** Of `enum` or `const`. */
function wordsOf(type: string, schema: JsonObject, path: string) {
  const words = 'const' in schema ? [schema.const] : schema.enum
  if (words === undefined) return undefined
  const isList = Array.isArray(words) && words.length >= 1 && words.length <= MAX_SCHEMA_WORDS
  if (isList && words.every((word) => isOfType(word, type))) return words as readonly unknown[]
  throw invalid(`${path}.enum: expected 1 to ${MAX_SCHEMA_WORDS} values of type ${type}.`)
}

function isOfType(word: unknown, type: string): boolean {
  return type === 'integer' ? Number.isSafeInteger(word) : typeof word === type
}

function readBounds(schema: JsonObject, path: string, names: readonly string[]) {
  const bounds: Record<string, number> = {}
  for (const name of names) {
    const bound = schema[name]
    if (bound === undefined) continue
    const isCount = name.endsWith('Items') || name.endsWith('Length')
    if (typeof bound !== 'number' || (isCount && !(Number.isSafeInteger(bound) && bound >= 0))) {
      throw invalid(`${path}.${name}: expected a ${isCount ? 'whole ' : ''}number.`)
    }
    bounds[name] = bound
  }
  return bounds
}

/** `a string (maxLength 8)` */
function described(noun: string, bounds: Readonly<Record<string, number>>): string {
  const limits = Object.entries(bounds).map(([name, bound]) => `${name} ${bound}`)
  return limits.length === 0 ? noun : `${noun} (${limits.join(', ')})`
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
