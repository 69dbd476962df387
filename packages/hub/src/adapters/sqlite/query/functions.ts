// Functions that the query thread gives to SQL (`queryFunctions` of packages/sqlite): what SQL
// itself cannot say as the language means it. Values of the language travel as JSON texts, and
// undefined as NULL. They run once per row, so arguments that name something are short texts.

import type { Identity, JsonObject, JsonValue } from '@twinward/protocol'
import type { SqlValue } from '@twinward/sqlite'
import { formatTwinEtag } from '../../../twins/etag.ts'
import type { ComparisonOperator, Value } from '../../../twins/query/ast.ts'
import { valueAt } from '../../../twins/query/evaluate.ts'
import { callFunction } from '../../../twins/query/functions.ts'
import { rowText } from '../../../twins/query/results.ts'
import { compare } from '../../../twins/query/values.ts'
import { formatTime, serviceView, withMetadata } from '../../../twins/view.ts'
import { parseSection } from '../section-text.ts'

const EMPTY_SECTION = { values: {}, version: 1, metadata: { v: 1, t: 0 }, sizeBytes: 0 }
const EMPTY_TWIN = {
  etag: 1,
  version: 1,
  tags: {},
  desired: EMPTY_SECTION,
  reported: EMPTY_SECTION,
}

/** `(name, …values)`: a function of the language. */
function call(name: SqlValue, ...args: readonly SqlValue[]): SqlValue {
  return toText(callFunction(String(name), args.map(toValue)))
}

/** `(operator, left, right)`: 1 or 0. */
function compareTexts(operator: SqlValue, left: SqlValue, right: SqlValue): SqlValue {
  return compare(operator as ComparisonOperator, toValue(left), toValue(right)) ? 1 : 0
}

/** `(identity, module_id, keys)`: a member that mirrors the identity; `keys` is a JSON array. */
function identityMember(identity: SqlValue, moduleId: SqlValue, keys: SqlValue): SqlValue {
  const entry = {
    ref: { deviceId: '', ...(moduleId !== '' && { moduleId: String(moduleId) }) },
    identity: JSON.parse(String(identity)) as Identity,
    twin: EMPTY_TWIN,
  }
  return toText(valueAt(JSON.parse(serviceView(entry, false)) as JsonValue, toKeys(keys)))
}

/** `(values, stamp, keys)`: a member of a section with `$metadata` and `$version`. */
function sectionMember(values: SqlValue, stamp: SqlValue, keys: SqlValue): SqlValue {
  const text = withMetadata(parseSection(String(values), String(stamp)))
  return toText(valueAt(JSON.parse(text) as JsonValue, toKeys(keys)))
}

/** `(etag)` */
function etag(counter: SqlValue): SqlValue {
  return JSON.stringify(formatTwinEtag(Number(counter)))
}

/** `(milliseconds)`: not as JSON, but as the text itself. */
function time(milliseconds: SqlValue): SqlValue {
  return formatTime(Number(milliseconds))
}

/** `(names, …values)`: a result object; `names` is a JSON array. */
function row(names: SqlValue, ...values: readonly SqlValue[]): SqlValue {
  return rowText(
    JSON.parse(String(names)) as string[],
    values.map((value) => (value === null ? null : String(value))),
  )
}

/** The service's view of a twin, of the columns that `TWIN_COLUMNS` names. */
function twinView(...columns: readonly SqlValue[]): SqlValue {
  const [deviceId, moduleId, identity, etagCounter, version, tags, ...rest] = columns
  const [desired, desiredStamp, reported, stamp, configurations = null, isConnected] = rest
  const entry = {
    ref: { deviceId: String(deviceId), ...(moduleId !== '' && { moduleId: String(moduleId) }) },
    identity: JSON.parse(String(identity)) as Identity,
    twin: {
      etag: Number(etagCounter),
      version: Number(version),
      tags: JSON.parse(String(tags)) as JsonObject,
      desired: parseSection(String(desired), String(desiredStamp)),
      reported: parseSection(String(reported), String(stamp)),
    },
    // Of the rest the view says nothing.
    ...(configurations !== null && {
      configured: { statuses: JSON.parse(String(configurations)), paths: {}, version: 0 },
    }),
  }
  return serviceView(entry, isConnected === 1)
}

function toValue(text: SqlValue): Value {
  return text === null ? undefined : (JSON.parse(String(text)) as JsonValue)
}

function toText(value: Value): SqlValue {
  return value === undefined ? null : JSON.stringify(value)
}

function toKeys(keys: SqlValue): readonly string[] {
  return JSON.parse(String(keys)) as string[]
}

export const queryFunctions = {
  query_call: call,
  query_compare: compareTexts,
  query_identity: identityMember,
  query_section: sectionMember,
  query_etag: etag,
  query_time: time,
  query_row: row,
  query_twin: twinView,
}
