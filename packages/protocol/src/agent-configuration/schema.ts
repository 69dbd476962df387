import type { JsonObject } from '../json.ts'
import { type ConfigurationKeys, configurationKey, type Era } from './eras.ts'
import { rtosConstants } from './rtos-constants.ts'
import type { Setting } from './setting.ts'
import { settingsOf } from './tables.ts'

/** Which section of the twin a schema describes. */
export type SchemaSection = 'desired' | 'reported'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'
/** Days, hours, minutes and seconds, with weeks and a fraction for those who write them. */
const DURATION =
  '^P(?=[0-9T])(?:\\d+W)?(?:\\d+D)?(?:T(?=\\d)(?:\\d+H)?(?:\\d+M)?(?:\\d+(?:\\.\\d+)?S)?)?$'
/** The C agent writes 30 days as a month. */
const REPORTED_DURATION =
  '^P(?=[0-9T])(?:\\d+M)?(?:\\d+W)?(?:\\d+D)?(?:T(?=\\d)(?:\\d+H)?(?:\\d+M)?(?:\\d+(?:\\.\\d+)?S)?)?$'
const INTERVALS = '^\\s*0*[1-9]\\d*\\s*,\\s*0*[1-9]\\d*\\s*,\\s*0*[1-9]\\d*\\s*$'
const MAX_INTERVALS_CHARACTERS = 64

/**
 * The JSON Schema (2020-12) of an era's configuration in desired, or of what its agents report. Made of
 * the tables that judge and read, so that there is no second truth. What JSON Schema cannot say (the
 * range of a duration, values that must go together) is in the descriptions.
 *
 * @param id  the address under which it is published
 * @param keys  of configuration objects that lie elsewhere
 */
export function configurationSchema(
  era: Era,
  section: SchemaSection,
  id: string,
  keys: ConfigurationKeys = {},
): JsonObject {
  return {
    $schema: DIALECT,
    $id: id,
    title: `${section} properties of a security module, era ${era}`,
    ...(section === 'desired' ? desiredShape(era, keys) : reportedShape(era, keys)),
  }
}

function desiredShape(era: Era, keys: ConfigurationKeys): JsonObject {
  const key = configurationKey(era, keys)
  if (era === 'micro') {
    return {
      type: 'object',
      properties: properties(era, (setting) => desiredValue(setting)),
      // Agents that are newer than this table know more settings, all of them plain.
      additionalProperties: {
        anyOf: [{ type: ['string', 'number', 'boolean'] }, { $ref: '#/$defs/bookkeeping' }],
      },
      $defs: { bookkeeping: { type: 'object', description: "The hub's own $metadata" } },
    }
  }
  if (key === undefined) return { type: 'object', description: withoutConfiguration(era) }
  const member = (setting: Setting) => wrapped(era, desiredValue(setting), setting)
  return {
    type: 'object',
    properties: {
      [key]: {
        type: 'object',
        properties: properties(era, member),
        additionalProperties: false,
      },
    },
  }
}

function reportedShape(era: Era, keys: ConfigurationKeys): JsonObject {
  const key = configurationKey(era, keys)
  if (era === 'micro') {
    return {
      type: 'object',
      properties: {
        latest_state: { type: 'string', enum: ['success', 'failed'] },
        latest_invalid_fields: {
          description: 'Names of the settings that were refused, as a list or separated by commas',
          anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
        },
      },
    }
  }
  if (key === undefined) return { type: 'object', description: withoutConfiguration(era) }
  const member = (setting: Setting) => wrapped(era, reportedValue(setting), setting)
  return {
    type: 'object',
    properties: { [key]: { type: 'object', properties: properties(era, member) } },
  }
}

function withoutConfiguration(era: Era): string {
  if (era !== 'rtos') return 'Agents of this era have no documented configuration.'
  const listed = rtosConstants.map(({ name, default: value }) => `${name} ${value}`)
  return `Agents of this era are configured when they are built: ${listed.join(', ')}.`
}

function properties(era: Era, schemaOf: (setting: Setting) => JsonObject): JsonObject {
  return Object.fromEntries(
    [...settingsOf(era).values()].map((setting) => [setting.name, schemaOf(setting)]),
  )
}

function wrapped(era: Era, value: JsonObject, setting: Setting): JsonObject {
  if (era !== 'legacy') return value
  return {
    type: 'object',
    properties: { value },
    // A hub takes the null out of {"value": null}.
    ...(setting.default === null ? {} : { required: ['value'] }),
  }
}

/** What may be written. */
function desiredValue(setting: Setting): JsonObject {
  const about = annotations(setting)
  switch (setting.type) {
    case 'boolean':
      return { ...about, type: 'boolean' }
    case 'integer':
      return { ...about, type: 'integer', minimum: setting.min, maximum: setting.max }
    case 'choice':
      return { ...about, type: 'string', enum: setting.choices }
    case 'duration':
      return { ...about, type: 'string', pattern: DURATION }
    case 'intervals':
      return {
        ...about,
        type: 'string',
        pattern: INTERVALS,
        maxLength: MAX_INTERVALS_CHARACTERS,
      }
    case 'list':
      return { ...about, type: 'string', maxLength: setting.maxCharacters }
    default:
      return {
        ...about,
        type: 'string',
        maxLength: setting.maxCharacters,
        ...(setting.pattern !== undefined && {
          pattern: setting.pattern,
          not: { pattern: '(^|/)\\.\\.(/|$)' },
        }),
      }
  }
}

/** What is understood: agents have spellings of their own, and values that nobody wrote for them. */
function reportedValue(setting: Setting): JsonObject {
  const about = annotations(setting)
  switch (setting.type) {
    case 'boolean':
      return { ...about, type: 'boolean' }
    case 'integer':
      return { ...about, type: 'integer' }
    case 'choice':
      return {
        ...about,
        type: 'string',
        pattern: `^(?:${setting.choices.map(anyCase).join('|')})$`,
      }
    case 'duration':
      return { ...about, type: 'string', pattern: REPORTED_DURATION }
    case 'intervals':
      return { ...about, type: 'string', pattern: '^\\s*\\d+\\s*,\\s*\\d+\\s*,\\s*\\d+\\s*$' }
    default:
      return { ...about, type: setting.default === null ? ['string', 'null'] : 'string' }
  }
}

function annotations({ description, unit, default: fallback, ...setting }: Setting): JsonObject {
  const range =
    setting.type === 'duration'
      ? `, from ${setting.minMs / 1000} s to ${setting.maxMs / 86_400_000} days`
      : ''
  const inUnit = unit === '' ? '' : `, in ${unit}`
  const right = setting.privileged ? ' (privileged)' : ''
  return { description: `${description}${range}${inUnit}${right}`, default: fallback }
}

/** `Off` → `[oO][fF][fF]`; JSON Schema's patterns have no flags. */
function anyCase(text: string): string {
  return [...text].map((letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`).join('')
}
