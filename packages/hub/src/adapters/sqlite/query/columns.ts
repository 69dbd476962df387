import type { Source } from '../../../twins/query/ast.ts'
import { param, raw, type Sql, sql } from './sql.ts'

/**
 * Where a property is kept. `nothing`: undefined in every row. `text`, `number`: a column, always
 * there. `json`: a path into a column of JSON text. `computed`: SQL that yields JSON text or NULL.
 *
 * Columns have a `+`, which keeps SQLite from choosing an index by them: `scan.ts` chooses.
 */
export type Access =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'text'; readonly value: Sql }
  | { readonly kind: 'number'; readonly value: Sql }
  | { readonly kind: 'computed'; readonly value: Sql }
  | { readonly kind: 'json'; readonly column: Sql; readonly path: Sql }

const NOTHING: Access = { kind: 'nothing' }

const TEXTS: Readonly<Record<string, string>> = {
  deviceId: '+entry.device_id',
  moduleId: '+entry.module_id',
  status: "CASE entry.disabled WHEN 1 THEN 'disabled' ELSE 'enabled' END",
}

/** Members that mirror the identity, where its JSON has them as they are. */
const IDENTITY_KEYS: Readonly<Record<string, readonly string[]>> = {
  modelId: ['modelId'],
  statusReason: ['statusReason'],
  authenticationType: ['authentication', 'type'],
}

/** Members that show a time of the identity. */
const IDENTITY_TIMES: Readonly<Record<string, string>> = {
  lastActivityTime: 'lastActivityTimeMs',
  statusUpdateTime: 'statusUpdatedTimeMs',
}

/** The other members that mirror the identity. */
const MIRRORED: ReadonlySet<string> = new Set([
  'deviceEtag',
  'cloudToDeviceMessageCount',
  'x509Thumbprint',
  'capabilities',
  'deviceScope',
  'parentScopes',
])

/** What `query_twin` takes. */
export function twinColumns(source: Source): Sql {
  return raw(`entry.device_id, entry.module_id, entry.identity, entry.etag,
  reported.version, entry.tags, entry.desired, entry.desired_stamp, reported.reported,
  reported.stamp, entry.configurations, ${isConnected(source)}`)
}

const SECTIONS: Readonly<Record<string, readonly [values: string, stamp: string]>> = {
  desired: ['entry.desired', 'entry.desired_stamp'],
  reported: ['reported.reported', 'reported.stamp'],
}

/** @param keys  of a path in `source`, as the parser spells them */
export function accessOf(keys: readonly string[], source: Source): Access {
  const [first = '', ...rest] = keys
  if (first === 'tags') return json(raw('entry.tags'), rest)
  if (first === 'properties') return ofProperties(rest)
  if (first === 'configurations') return json(raw('entry.configurations'), rest)
  if (MIRRORED.has(first)) {
    return computed(sql`query_identity(entry.identity, entry.module_id, ${keysParam(keys)})`)
  }
  if (rest.length > 0 || (first === 'moduleId' && source === 'devices')) return NOTHING
  const identityKeys = Object.hasOwn(IDENTITY_KEYS, first) ? IDENTITY_KEYS[first] : undefined
  if (identityKeys) return json(raw('entry.identity'), identityKeys)
  const time = Object.hasOwn(IDENTITY_TIMES, first) ? IDENTITY_TIMES[first] : undefined
  if (time) return { kind: 'text', value: raw(`query_time(entry.identity ->> '$.${time}')`) }
  if (first === 'connectionState') {
    const words = `CASE WHEN ${isConnected(source)} THEN 'Connected' ELSE 'Disconnected' END`
    return { kind: 'text', value: raw(words) }
  }
  if (first === 'version') return { kind: 'number', value: raw('+reported.version') }
  if (first === 'etag') return computed(raw('query_etag(entry.etag)'))
  const text = Object.hasOwn(TEXTS, first) ? TEXTS[first] : undefined
  return text === undefined ? NOTHING : { kind: 'text', value: raw(text) }
}

function isConnected(source: Source): string {
  const isModule = source === 'devices' ? 0 : 1
  return `EXISTS (SELECT 1 FROM connection WHERE is_module = ${isModule} AND id = entry.id)`
}

function ofProperties(keys: readonly string[]): Access {
  const [name = '', ...rest] = keys
  if (keys.length === 0) {
    const [desired, reported] = [wholeSection('desired'), wholeSection('reported')]
    return computed(sql`query_row('["desired","reported"]', ${desired}, ${reported})`)
  }
  const columns = Object.hasOwn(SECTIONS, name) ? SECTIONS[name] : undefined
  if (!columns) return NOTHING
  const [first] = rest
  if (first === undefined) return computed(wholeSection(name))
  // Of these alone the hub is the author (twins/limits.ts); no other name begins like that.
  if (first === '$metadata' || first === '$version') return computed(sectionMember(name, rest))
  return json(raw(columns[0]), rest)
}

function wholeSection(name: string): Sql {
  return sectionMember(name, [])
}

function sectionMember(name: string, keys: readonly string[]): Sql {
  const [values = '', stamp = ''] = SECTIONS[name] ?? []
  return sql`query_section(${raw(values)}, ${raw(stamp)}, ${keysParam(keys)})`
}

function json(column: Sql, keys: readonly string[]): Access {
  const labels = keys.map((key) => `.${JSON.stringify(key)}`)
  return { kind: 'json', column, path: param(`$${labels.join('')}`) }
}

function computed(value: Sql): Access {
  return { kind: 'computed', value }
}

function keysParam(keys: readonly string[]): Sql {
  return param(JSON.stringify(keys))
}

/** The property as JSON text, NULL when it is undefined. */
export function jsonTextOf(access: Access): Sql {
  switch (access.kind) {
    case 'nothing':
      return raw('NULL')
    case 'text':
      return sql`json_quote(${access.value})`
    case 'number':
      return sql`CAST(${access.value} AS TEXT)`
    case 'computed':
      return access.value
    case 'json':
      return sql`(${access.column} -> ${access.path})`
  }
}
