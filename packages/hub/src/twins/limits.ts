import {
  HubError,
  isJsonObject,
  type JsonValue,
  MAX_KEY_BYTES,
  MAX_STRING_BYTES,
  MAX_TWIN_DEPTH,
  MAX_TWIN_INTEGER,
  MIN_TWIN_INTEGER,
} from '@twinward/protocol'

/**
 * What a twin may hold, decided once for every store (02 §3.5; `vectors/twin-limits.json`).
 *
 * Beyond IoT Hub's published rules a string may hold neither U+0000 nor a lone surrogate: PostgreSQL
 * stores neither in `jsonb`, and the second has no UTF-8 form.
 */
const FORBIDDEN_IN_KEYS = /[\p{Cc}.$# ]/u
const CONTROL = /\p{Cc}/gu
const LONE_SURROGATE = /\p{Cs}/u
const PLAIN_KEY = /^[A-Za-z0-9_:\-^*]{1,256}$/

/** @throws {HubError} `ArgumentInvalid` that names the key and the section's path to it */
export function checkKey(key: string, path: string): void {
  if (PLAIN_KEY.test(key)) return
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw invalid(`${path}${key.slice(0, 32)}…`, `the name is longer than ${MAX_KEY_BYTES} bytes`)
  }
  if (FORBIDDEN_IN_KEYS.test(key)) {
    throw invalid(
      `${path}${JSON.stringify(key)}`,
      'a name may not contain control characters, spaces, ".", "$" or "#"',
    )
  }
  if (LONE_SURROGATE.test(key)) throw invalid(path, 'a name is not valid Unicode')
}

/**
 * Checks a value that a patch puts into a section, and measures it.
 *
 * Only objects count as levels, so a scalar or an array may sit in the last one. An array within an
 * array counts too: nothing else would end that.
 *
 * @param depth  how many objects the value sits in, the section itself not counted
 * @returns its size as IoT Hub counts it
 * @throws {HubError} `ArgumentInvalid` that names the path
 */
export function checkValue(value: JsonValue, path: string, depth: number): number {
  switch (typeof value) {
    case 'string':
      return checkString(value, path)
    case 'number':
      return checkNumber(value, path)
    case 'boolean':
      return 4
  }
  if (value === null) throw invalid(path, 'null may not stand inside an array')
  if (!isJsonObject(value)) return checkArray(value, path, depth)
  checkDepth(path, depth + 1)
  let size = 0
  for (const [key, member] of Object.entries(value)) {
    checkKey(key, `${path}.`)
    size += Buffer.byteLength(key) + checkValue(member, `${path}.${key}`, depth + 1)
  }
  return size
}

function checkArray(array: readonly JsonValue[], path: string, depth: number): number {
  let size = 0
  for (const [index, element] of array.entries()) {
    const place = `${path}[${index}]`
    if (Array.isArray(element)) checkDepth(place, depth + 1)
    size += checkValue(element, place, Array.isArray(element) ? depth + 1 : depth)
  }
  return size
}

/** @throws {HubError} `ArgumentInvalid` when an object sits deeper than it may */
export function checkDepth(path: string, depth: number): void {
  if (depth > MAX_TWIN_DEPTH) throw invalid(path, `it nests deeper than ${MAX_TWIN_DEPTH} levels`)
}

function checkString(value: string, path: string): number {
  const bytes = Buffer.byteLength(value)
  if (bytes > MAX_STRING_BYTES) {
    throw invalid(path, `the string takes ${bytes} of ${MAX_STRING_BYTES} bytes`)
  }
  if (value.includes('\0') || LONE_SURROGATE.test(value)) {
    throw invalid(path, 'the string contains U+0000 or half a surrogate pair')
  }
  return stringSize(value, bytes)
}

function checkNumber(value: number, path: string): number {
  if (!Number.isFinite(value)) throw invalid(path, 'the number is too large')
  if (Number.isInteger(value) && (value < MIN_TWIN_INTEGER || value > MAX_TWIN_INTEGER)) {
    throw invalid(path, `integers go from ${MIN_TWIN_INTEGER} to ${MAX_TWIN_INTEGER}`)
  }
  return 8
}

/** Size of a value that is already in a twin. */
export function sizeOf(value: JsonValue): number {
  if (typeof value === 'string') return stringSize(value, Buffer.byteLength(value))
  if (typeof value === 'number') return 8
  if (typeof value === 'boolean') return 4
  if (value === null) return 0
  let size = 0
  if (isJsonObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      size += Buffer.byteLength(key) + sizeOf(member)
    }
    return size
  }
  for (const element of value) size += sizeOf(element)
  return size
}

/** Control characters are free of charge. */
function stringSize(value: string, bytes: number): number {
  const controls = value.match(CONTROL)
  return controls === null ? bytes : bytes - Buffer.byteLength(controls.join(''))
}

export function invalid(path: string, reason: string): HubError {
  return new HubError('ArgumentInvalid', `Property ${path || 'name'}: ${reason}.`)
}
