import type { JsonObject, JsonValue } from '@twinward/protocol'
import { UsageError } from './command.ts'

/** What commands that change settings say about their arguments. */
export const SETTING_ARGUMENT = {
  syntax: '<setting=value...>',
  description: 'what to change; "setting=" takes a value away',
}

export const SETTING_DETAILS =
  'true, false, null and numbers are taken as such, everything else as text; quote a text that\n' +
  'looks like one of them: name=\'"42"\'. All changes are made together or not at all.'

/** `name=value` arguments as settings; nothing behind the sign is `null`. @throws {UsageError} */
export function readChanges(pairs: readonly string[]): JsonObject {
  return Object.fromEntries(pairs.map(readChange))
}

function readChange(pair: string): readonly [name: string, value: JsonValue] {
  const equals = pair.indexOf('=')
  if (equals < 1) throw new UsageError(`'${pair}': expected setting=value.`)
  return [pair.slice(0, equals), readScalar(pair.slice(equals + 1))]
}

function readScalar(text: string): JsonValue {
  if (text === '') return null
  try {
    const value = JSON.parse(text) as JsonValue
    return typeof value === 'object' && value !== null ? text : value
  } catch {
    return text
  }
}
