import { isJsonObject, type JsonObject, type JsonValue, parseTimestamp } from '@twinward/protocol'

/** Text as it was sent; an absent member is empty. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** A port as text; empty when the agent has none to tell, which it says by absence, `""`, `0` or `"0"`. */
export function portOf(value: JsonValue | undefined): string {
  if (typeof value === 'number') return value === 0 ? '' : String(value)
  return value === '0' ? '' : textOf(value)
}

/** `TCP`, `Tcp`, `tcp6` → `tcp`. */
export function protocolOf(value: JsonValue | undefined): string {
  const protocol = textOf(value).toLowerCase()
  return FAMILY_SUFFIXED.has(protocol) ? protocol.slice(0, -1) : protocol
}

const FAMILY_SUFFIXED = new Set(['tcp6', 'udp6', 'raw6', 'icmp6', 'udplite6', 'sctp6', 'dccp6'])

/** Whether an address stands for "any". */
export function isWildcardAddress(value: JsonValue | undefined): boolean {
  return value === '0.0.0.0' || value === '::' || value === '*'
}

/** A number as it was sent; anything else is 0. */
export function numberOf(value: JsonValue | undefined): number {
  return typeof value === 'number' ? value : 0
}

/** An id that may be a number or text; an absent member is empty. */
export function idOf(value: JsonValue | undefined): string {
  return typeof value === 'number' ? String(value) : textOf(value)
}

/** A count that is text from one agent and a number from another; at least 1. */
export function hitsOf(value: JsonValue | undefined): number {
  const hits = typeof value === 'string' ? Number.parseInt(value, 10) : value
  return typeof hits === 'number' && Number.isSafeInteger(hits) && hits > 0 ? hits : 1
}

/** A count of bytes, as a number or its text; `undefined` when it is neither. */
export function bytesOf(value: JsonValue | undefined): number | undefined {
  const bytes = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined
}

const NO_DETAILS: JsonObject = {}

export function detailsOf({ ExtraDetails }: JsonObject): JsonObject {
  return isJsonObject(ExtraDetails) ? ExtraDetails : NO_DETAILS
}

/** When an aggregate was counted; empty unless both ends are readable and in order. */
export function windowOf(details: JsonObject): { windowStartMs?: number; windowEndMs?: number } {
  const { StartTimeUtc, EndTimeUtc } = details
  if (typeof StartTimeUtc !== 'string' || typeof EndTimeUtc !== 'string') return NO_WINDOW
  const windowStartMs = aggregationTimeMs(StartTimeUtc)
  const windowEndMs = aggregationTimeMs(EndTimeUtc)
  if (windowStartMs === undefined || windowEndMs === undefined) return NO_WINDOW
  return windowStartMs <= windowEndMs ? { windowStartMs, windowEndMs } : NO_WINDOW
}

const NO_WINDOW = {}

const US_TIME = /^(\d\d)\/(\d\d)\/(\d{4}) (\d\d:\d\d:\d\d)$/

/** `11/02/2019 08:00:00` of the C# agent, or what is allowed elsewhere. */
function aggregationTimeMs(text: string): number | undefined {
  const parts = text.length === 19 ? US_TIME.exec(text) : null
  if (!parts) return parseTimestamp(text)?.ms
  const [, month, day, year, time] = parts
  return parseTimestamp(`${year}-${month}-${day}T${time}`)?.ms
}

/** Whether an address is of the device itself, or none at all. */
export function isLocalAddress(address: string): boolean {
  return isWildcardAddress(address) || address === '::1' || address.startsWith('127.')
}
