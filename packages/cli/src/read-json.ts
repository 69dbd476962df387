import { isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'
import { UsageError } from './command.ts'
import { readText } from './read-file.ts'

/**
 * The JSON of an option: the text itself, or with `@file` what the file holds.
 *
 * @throws {UsageError} when it is not JSON; {CommandError} when the file cannot be read
 */
export function readJson(option: string, text: string): JsonValue {
  const source = text.startsWith('@') ? readText(text.slice(1)) : text
  try {
    return JSON.parse(source) as JsonValue
  } catch (error) {
    throw new UsageError(`${option} is not JSON: ${(error as Error).message}`)
  }
}

export function readJsonObject(option: string, text: string): JsonObject {
  const value = readJson(option, text)
  if (isJsonObject(value)) return value
  throw new UsageError(`${option} must be a JSON object, such as '{"key":"value"}'.`)
}
