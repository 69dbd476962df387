import { HubError, type HubErrorCode } from './errors.ts'
import { isJsonObject, type JsonValue } from './json.ts'
import { findJsonFault } from './json-fault.ts'
import { MAX_JSON_DEPTH } from './limits.ts'

/** The first half of an escaped surrogate: only then can a string lack its other half. */
const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/
const BYTE_ORDER_MARK = 0xfeff
const QUOTE = 0x22
const SPACE = 0x20

/**
 * `JSON.parse` for what peers send. It also refuses what `JSON.parse` passes over or stumbles upon
 * later: a member named twice, half a surrogate pair, a number beyond a double's range, nesting
 * deeper than `MAX_JSON_DEPTH`. A byte order mark at the start is let pass.
 *
 * Costs little more than `JSON.parse`: what is wrong and where is looked for once something is.
 *
 * @throws {HubError} `code`, with the place in lines and columns
 */
export function parseJson(text: string, code: HubErrorCode = 'GenericBadRequest'): JsonValue {
  const json = text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text
  let value: JsonValue | undefined
  try {
    value = JSON.parse(json) as JsonValue
  } catch {
    // Its words differ from version to version and often lack the place: `findJsonFault` says more.
  }
  if (value !== undefined && isFaultless(json, value)) return value
  const fault = findJsonFault(json)
  if (fault !== undefined) throw new HubError(code, fault)
  if (value !== undefined) return value
  throw new HubError(code, 'The body is not JSON.')
}

/** Whether nothing can be wrong; `false` says: look closely. */
function isFaultless(json: string, value: JsonValue): boolean {
  if (json.includes('\\u') && ESCAPED_SURROGATE.test(json)) return false
  // Of two members with one name, only one is left in the value.
  return countMembers(value, 0) === countColons(json)
}

/** Members of all objects; `NaN` when a number or the depth is out of range. */
function countMembers(value: JsonValue, depth: number): number {
  if (typeof value !== 'object') {
    return typeof value === 'number' && !Number.isFinite(value) ? Number.NaN : 0
  }
  if (value === null) return 0
  if (depth >= MAX_JSON_DEPTH) return Number.NaN
  let count = 0
  if (isJsonObject(value)) {
    for (const name in value) count += 1 + countMembers(value[name] as JsonValue, depth + 1)
  } else for (const element of value) count += countMembers(element, depth + 1)
  return count
}

/**
 * Colons behind a quote or space. That is every member's, and seldom one in a string: what is counted
 * too much only means a closer look.
 */
function countColons(json: string): number {
  let count = 0
  for (let at = json.indexOf(':'); at !== -1; at = json.indexOf(':', at + 1)) {
    const before = json.charCodeAt(at - 1)
    if (before === QUOTE || before <= SPACE) count++
  }
  return count
}
