import {
  HubError,
  type JsonValue,
  MAX_METHOD_NAME_CHARACTERS,
  MAX_METHOD_PAYLOAD_BYTES,
} from '@twinward/protocol'

/** What a service asks a device or module to do (09 §1). */
export interface MethodCall {
  readonly name: string
  readonly payload: JsonValue
  /** 5–300 s. */
  readonly responseTimeoutMs: number
  /** 0–300 s, at most `responseTimeoutMs`; 0 = do not wait for a connection. */
  readonly connectTimeoutMs: number
}

/** What the device answered. */
export interface MethodResult {
  /** The device's own number. */
  readonly status: number
  /** JSON text: what the device sent, `null` when that was nothing, a string when it was no JSON. */
  readonly payload: string
}

export const DEFAULT_RESPONSE_TIMEOUT_MS = 30_000
const MIN_RESPONSE_TIMEOUT_MS = 5_000
const MAX_TIMEOUT_MS = 300_000

/** Topics carry the name as it is, so it must not look like a part of one (09 §1). */
const NOT_IN_A_NAME = /[/?#+\p{Cc}\p{Cs}]/u

/**
 * Checks a call against the rules of 09 §1.
 *
 * @returns the payload as JSON text
 * @throws {HubError} `ArgumentNull` without a name; `ArgumentInvalid`; `MessageTooLarge`
 */
export function checkMethodCall(call: MethodCall): string {
  checkName(call.name)
  checkTimeouts(call)
  const payload = textOf(call.payload)
  if (Buffer.byteLength(payload) > MAX_METHOD_PAYLOAD_BYTES) {
    throw new HubError(
      'MessageTooLarge',
      `The payload of a method may take ${MAX_METHOD_PAYLOAD_BYTES} bytes.`,
    )
  }
  return payload
}

function checkName(name: string): void {
  if (name === '') throw new HubError('ArgumentNull', 'methodName must be given.')
  if (name.length > MAX_METHOD_NAME_CHARACTERS) {
    throw invalid(`methodName may have ${MAX_METHOD_NAME_CHARACTERS} characters.`)
  }
  if (NOT_IN_A_NAME.test(name)) {
    throw invalid('methodName may not contain / ? # + or control characters.')
  }
}

function checkTimeouts({ responseTimeoutMs, connectTimeoutMs }: MethodCall): void {
  if (!isWithin(responseTimeoutMs, MIN_RESPONSE_TIMEOUT_MS)) {
    throw invalid('responseTimeoutInSeconds must be 5 to 300.')
  }
  if (!isWithin(connectTimeoutMs, 0)) {
    throw invalid('connectTimeoutInSeconds must be 0 to 300.')
  }
  if (connectTimeoutMs > responseTimeoutMs) {
    throw invalid('connectTimeoutInSeconds may not be longer than responseTimeoutInSeconds.')
  }
}

function isWithin(timeoutMs: number, minMs: number): boolean {
  return timeoutMs >= minMs && timeoutMs <= MAX_TIMEOUT_MS
}

function textOf(payload: JsonValue): string {
  try {
    return JSON.stringify(payload)
  } catch (error) {
    // V8 gives up on what is nested thousands deep.
    if (error instanceof RangeError) throw invalid('payload is nested too deeply.')
    throw error
  }
}

/**
 * What a device answered as JSON text, byte for byte: numbers keep all of their digits.
 *
 * @throws {HubError} `GenericBadGateway` when it is over the limit
 */
export function readMethodAnswer(payload: Uint8Array): string {
  if (payload.byteLength > MAX_METHOD_PAYLOAD_BYTES) {
    throw new HubError(
      'GenericBadGateway',
      `The device answered with ${payload.byteLength} bytes; ${MAX_METHOD_PAYLOAD_BYTES} are allowed.`,
    )
  }
  const text = new TextDecoder().decode(payload)
  if (text === '') return 'null'
  try {
    JSON.parse(text)
    return text
  } catch {
    return JSON.stringify(text)
  }
}

/** `hh:mm:ss`, as errors show a timeout (00 §5.1). */
export function formatTimeout(timeoutMs: number): string {
  const seconds = Math.floor(timeoutMs / 1000)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
