import { HubError } from '../../errors.ts'
import type { JsonObject } from '../../json.ts'
import { MAX_MESSAGE_BYTES } from '../../limits.ts'
import type { SecurityEventHeader } from '../envelope.ts'
import {
  MAX_AGENT_CHARACTERS,
  MAX_ELEMENTS_PER_MESSAGE,
  MAX_EVENTS_PER_MESSAGE,
} from '../limits.ts'
import { formatGuid } from './addresses.ts'
import { type DecodeText, FlatBuffer, type FlatTable } from './flat-buffer.ts'
import { binaryPayloadKinds, required } from './payloads.ts'

/** Name of an event whose payload this version cannot read. */
export const UNKNOWN_PAYLOAD = 'Unknown'

/** One event of a binary message, as one of a JSON message of schema 2.0 would be. */
export interface BinaryEvent {
  readonly event: SecurityEventHeader
  /**
   * Number in the union, when this version does not know it: the event is an `Unknown` one whose
   * element says `{payloadType, payloadPosition}`, and its bytes are in the message.
   */
  readonly unknownPayload?: number
}

export interface BinaryMessage {
  /** `security_module_id` */
  readonly agentId: string
  /** `security_module_version`: `3.2.1` */
  readonly agentVersion: string
  /** One for each event of the message: the event, or why it cannot be read. */
  readonly events: readonly (BinaryEvent | { readonly refusal: string })[]
}

/**
 * Reads a message in FlatBuffers (security 03 §7). An event that is damaged is refused alone; the
 * message is refused whole when its root is, or when it unfolds to more than a message may hold.
 *
 * @returns why it cannot be read at all, as text for a person
 */
export function readBinaryMessage(
  bytes: Uint8Array,
  decodeText: DecodeText,
): BinaryMessage | { readonly refusal: string } {
  if (bytes.byteLength > MAX_MESSAGE_BYTES) {
    return { refusal: `the message has more than ${MAX_MESSAGE_BYTES} bytes` }
  }
  const maxItems = MAX_EVENTS_PER_MESSAGE + MAX_ELEMENTS_PER_MESSAGE
  const buffer = new FlatBuffer(bytes, decodeText, maxItems)
  try {
    return readRoot(buffer)
  } catch (error) {
    return { refusal: `the message is no binary security message: ${faultOf(error)}` }
  }
}

function readRoot(buffer: FlatBuffer): BinaryMessage | { readonly refusal: string } {
  const root = buffer.root()
  const agentId = required(buffer.text(root, 0), 'security_module_id')
  if (agentId.length > MAX_AGENT_CHARACTERS) {
    return { refusal: `security_module_id: expected at most ${MAX_AGENT_CHARACTERS} characters` }
  }
  const version = buffer.uint32(root, 1)
  const list = buffer.vector(root, 3, 4)
  if (list.count < 1 || list.count > MAX_EVENTS_PER_MESSAGE) {
    const expected = `1 to ${MAX_EVENTS_PER_MESSAGE} events`
    return { refusal: `events: expected ${expected}, got ${list.count}` }
  }
  const events: (BinaryEvent | { readonly refusal: string })[] = []
  for (let index = 0; index < list.count; index++) {
    try {
      events.push(readEvent(buffer, buffer.tableIn(list, index)))
    } catch (error) {
      if (buffer.isExhausted) return { refusal: faultOf(error) }
      events.push({ refusal: `events[${index}]: ${faultOf(error)}` })
    }
  }
  return { agentId, agentVersion: formatVersion(version), events }
}

function readEvent(buffer: FlatBuffer, table: FlatTable): BinaryEvent {
  const id = formatGuid(required(buffer.struct(table, 0, 16), 'id'))
  const time = new Date(buffer.uint32(table, 1) * 1000).toISOString()
  const interval = buffer.uint32(table, 2)
  const payloadType = required(buffer.uint8(table, 3) || undefined, 'payload type')
  const payload = required(buffer.table(table, 4), 'payload')
  const kind = binaryPayloadKinds.get(payloadType)
  const elements = kind?.read(buffer, payload) ?? [
    { payloadType, payloadPosition: payload.position },
  ]
  const event = {
    Id: id,
    // The time zone is in the schema, but no agent ever filled it.
    TimestampLocal: time,
    TimestampUTC: time,
    Category: kind?.category ?? 'Triggered',
    Name: kind?.name ?? UNKNOWN_PAYLOAD,
    EventType: kind?.eventType ?? 'Security',
    IsEmpty: elements.length === 0,
    PayloadSchemaVersion: '2.0',
    Payload: interval === 0 ? [...elements] : elements.map((one) => withInterval(one, interval)),
  } satisfies SecurityEventHeader
  return kind === undefined ? { event, unknownPayload: payloadType } : { event }
}

/** Where the interval of collection goes, in seconds: elements in the legacy shape have only details. */
function withInterval(element: JsonObject, interval: number): JsonObject {
  const isLegacy = 'Protocol' in element || 'ExtraDetails' in element
  if (!isLegacy) return { ...element, interval }
  const details = element.ExtraDetails as JsonObject | undefined
  return { ...element, ExtraDetails: { ...details, CollectionInterval: String(interval) } }
}

/** major · 2²⁴ + minor · 2¹⁶ + patch */
function formatVersion(version: number): string {
  return `${version >>> 24}.${(version >>> 16) & 0xff}.${version & 0xffff}`
}

/** What a reader found wrong; anything but its own refusal is a bug and flies on. */
function faultOf(error: unknown): string {
  if (error instanceof HubError) return error.message
  throw error
}
