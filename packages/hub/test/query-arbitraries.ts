import type { DeviceRef, JsonObject, JsonValue } from '@twinward/protocol'
import fc from 'fast-check'
import type { Entry } from '../src/registry/registry.ts'
import { emptySection, patchSection, patchTags } from '../src/twins/patch.ts'
import { entry } from './contracts/registry-entries.ts'

// Few names and values, so that random queries meet random twins.

const NOW_MS = 1_767_225_600_000
const LIMIT_BYTES = 32_768
const LONG = 'long '.repeat(40)
const KEYS = ['a', 'b', 'site', 'a-b', 'q"x', 'b\\n', '__proto__', 'é😀', '', 'x[0]', '10', 'In']
const TEXTS = ['', 'x', 'X', 'north', '[1]', '{"a":1}', 'true', '1', "it's", 'é', 'E\u0301', 'ß']
const MORE_TEXTS = ['\uffee', '😀', 'a\tb\u0001', 'null', LONG, `${LONG}x`, `${LONG}😀`, '\\"']
const NUMBERS = [0, 1, -1, 2, 2.5, -0.1, 1e-7, 5e-324, 4503599627370495, 0.1, 0.30000000000000004]

const text = fc.constantFrom(...TEXTS, ...MORE_TEXTS)
const number = fc.constantFrom(...NUMBERS)
const primitive: fc.Arbitrary<string | number | boolean> = fc.oneof(text, number, fc.boolean())
const key = fc.constantFrom(...KEYS)

const { object: values } = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    primitive,
    primitive,
    fc.array(primitive, { maxLength: 2 }),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 5 })
    .map((members) => JSON.parse(objectText(members)) as JsonObject),
}))

/** Of an object's members, also one that is called `__proto__`. */
function objectText(members: readonly (readonly [string, JsonValue])[]): string {
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)}}`
}

const configured = fc
  .dictionary(fc.constantFrom('x', '__proto__', 'a%b'), fc.constantFrom('Applied', 'Targeted'), {
    minKeys: 1,
  })
  .map((statuses) => ({
    statuses: Object.fromEntries(
      Object.entries(statuses).map(([id, status]) => [id, { status } as const]),
    ),
    paths: { a: 'x' },
    version: 1,
  }))

/** The entry of a new identity with random twin data and a random mirror. */
export function arbitraryEntry(ref: DeviceRef): fc.Arbitrary<Entry> {
  const isDevice = ref.moduleId === undefined
  const parts = fc.record({
    tags: values,
    desired: values,
    reported: values,
    status: fc.constantFrom('enabled' as const, 'disabled' as const),
    statusReason: fc.option(text),
    lastActivityTimeMs: fc.constantFrom(0, NOW_MS),
    iotEdge: fc.boolean(),
    connected: fc.boolean(),
    etag: fc.integer({ min: 1, max: 3 }),
    configured: fc.option(configured, { nil: undefined }),
  })
  return parts.map(
    ({ tags, desired, reported, etag, iotEdge, connected, configured, ...mirrored }) => {
      const base = entry(ref)
      return {
        ref,
        identity: {
          ...base.identity,
          ...mirrored,
          iotEdge: isDevice && iotEdge,
          ...(connected && { connected }),
        },
        twin: {
          etag,
          version: etag + 1,
          tags: patchTags({}, tags, LIMIT_BYTES),
          desired: patchSection(emptySection(NOW_MS), desired, NOW_MS + 1, LIMIT_BYTES),
          reported: patchSection(emptySection(0), reported, NOW_MS, LIMIT_BYTES),
        },
        ...(configured && { configured }),
      }
    },
  )
}

const segment = key.map((name) => (/^[a-z_][\w-]*$/i.test(name) ? `.${name}` : `.[[${name}]]`))
const data = fc
  .tuple(
    fc.constantFrom(
      'tags',
      'tags',
      'properties.desired',
      'properties.reported',
      'Properties.REPORTED',
    ),
    fc.array(segment, { minLength: 0, maxLength: 3 }),
  )
  .map(([root, segments]) => root + segments.join(''))
const system = fc.constantFrom(
  ...[
    'deviceId',
    'DEVICEID',
    'moduleId',
    'status',
    'connectionState',
    'version',
    'etag',
    'modelId',
  ],
  ...['deviceEtag', 'statusReason', 'statusUpdateTime', 'lastActivityTime', 'authenticationType'],
  ...['capabilities.iotEdge', 'capabilities', 'x509Thumbprint.PrimaryThumbprint', 'deviceScope'],
  ...['properties', 'properties.desired.$version', 'properties.desired.$metadata'],
  ...['properties.reported.$metadata.a.$lastUpdatedVersion', 'properties.reported.$metadata.site'],
  ...['properties.reported.$metadata.$lastUpdated', 'configurations.[[x]].status', 'unknown.x'],
  ...['configurations', 'configurations.x', 'configurations.[[__proto__]].status'],
  ...['deviceId.x', 'devices.deviceId', 'status.x', 'version.y', 'tags.a', 'tags.b.site', 'tags'],
)
export const path = fc.oneof(data, system)

const literal = fc.oneof(
  primitive.map(literalText),
  fc.constantFrom('NULL', 'undefined', 'true', 'FALSE', '0x10', '-1', '1e0'),
  fc
    .constantFrom(
      'd-1',
      'd-2',
      'm-1',
      'Applied',
      'Connected',
      'Disconnected',
      'enabled',
      'disabled',
      'sas',
    )
    .map(literalText),
)

function literalText(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value)
  const escaped = value.replaceAll('\\', '\\\\').replaceAll("'", "''")
  return `'${escaped.replaceAll('\t', '\\t')}'`
}

const comparison = fc.constantFrom('=', '=', '!=', '<>', '<', '<=', '>', '>=')
const list = fc
  .array(literal, { minLength: 1, maxLength: 4 })
  .map((items) => `[${items.join(', ')}]`)
const ofOne = fc.constantFrom(
  ...['IS_DEFINED', 'is_null', 'IS_BOOL', 'IS_NUMBER', 'IS_STRING', 'IS_ARRAY', 'IS_OBJECT'],
  ...[
    'IS_PRIMITIVE',
    'LENGTH',
    'LOWER',
    'UPPER',
    'ABS',
    'CEILING',
    'FLOOR',
    'SIGN',
    'SQRT',
    'SQUARE',
  ],
  ...['EXP', 'AS_NUMBER', '-'],
)
const ofTwo = fc.constantFrom(
  ...['STARTS_WITH', 'ENDS_WITH', 'CONTAINS', 'INDEX_OF', 'SUBSTRING', 'CONCAT', 'POWER'],
)

const { condition } = fc.letrec<{ value: string; condition: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    path,
    literal,
    fc.tuple(ofOne, tie('value')).map(([name, of]) => `${name}(${of})`),
    fc.tuple(ofTwo, tie('value'), tie('value')).map(([name, a, b]) => `${name}(${a}, ${b})`),
    fc
      .tuple(tie('value'), fc.constantFrom('+', '-', '*', '/', '%'), tie('value'))
      .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    tie('condition').map((inner) => `(${inner})`),
  ),
  condition: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.tuple(path, comparison, literal).map((parts) => parts.join(' ')),
    fc.tuple(literal, comparison, path).map((parts) => parts.join(' ')),
    fc.tuple(path, fc.constantFrom('IN', 'nin'), list).map((parts) => parts.join(' ')),
    fc.tuple(tie('value'), comparison, tie('value')).map((parts) => parts.join(' ')),
    fc.tuple(tie('value'), fc.constantFrom('IN', 'NIN'), list).map((parts) => parts.join(' ')),
    fc.tuple(ofOne, path).map(([name, of]) => `${name}(${of})`),
    path,
    tie('condition').map((inner) => `NOT (${inner})`),
    tie('condition').map((inner) => `not ${inner}`),
    fc
      .tuple(tie('condition'), fc.constantFrom('AND', 'OR', 'and'), tie('condition'))
      .map((parts) => parts.join(' ')),
  ),
}))

const where = fc.oneof(
  { weight: 1, arbitrary: fc.constant('') },
  { weight: 6, arbitrary: condition.map((text) => ` WHERE ${text}`) },
)
const source = fc.constantFrom('devices', 'devices.modules')
const items = fc
  .array(path, { minLength: 1, maxLength: 4 })
  .map((paths) => paths.map((each, at) => `${each} AS n${at}`).join(', '))
const aggregates = fc
  .array(fc.tuple(fc.constantFrom('AVG', 'SUM', 'MIN', 'MAX', 'COUNT'), path), {
    minLength: 1,
    maxLength: 4,
  })
  .map((calls) =>
    calls.map(([name, of], at) => `${name}(${name === 'COUNT' ? '' : of}) AS n${at}`).join(', '),
  )

/** A whole statement that is valid. */
export const query = fc
  .oneof(
    { weight: 3, arbitrary: fc.tuple(fc.constant('*'), source, where) },
    { weight: 3, arbitrary: fc.tuple(items, source, where) },
    { weight: 1, arbitrary: fc.tuple(aggregates, source, where) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(aggregates, source, where, path)
        .map(
          ([list, from, filter, by]) =>
            [`${list}, ${by} AS key`, from, `${filter} GROUP BY ${by}`] as const,
        ),
    },
  )
  .map(([list, from, rest]) => `SELECT ${list} FROM ${from}${rest}`)
