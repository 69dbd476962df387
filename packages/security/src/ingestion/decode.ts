import {
  type BinaryMessage,
  type Era,
  findDeviations,
  parseTimestamp,
  refuseEvent,
  type SecurityEventHeader,
  type SecurityMessageSchema,
} from '@twinward/protocol'
import type { SecurityMessage } from '../platform.ts'
import { excerptOf, MAX_EXCERPT_BYTES, readBody } from './body.ts'
import { newestOffset } from './clock-offset.ts'
import type { EventHeader, Rejection, SecurityEvent } from './record.ts'

/** Event times are trusted this far; beyond, the agent's clock is wrong. */
export const MAX_EVENT_AGE_MS = 30 * 24 * 3_600_000
export const MAX_EVENT_LEAD_MS = 10 * 60_000

/** Schemas of binary messages that a published agent speaks; others of version 2 are read the same. */
const KNOWN_BINARY_VERSIONS = new Set(['2.0', '2.3'])

/** What a security message turned out to be. Every event in it is in `events` or in `rejections`. */
export interface DecodedMessage {
  readonly events: readonly SecurityEvent[]
  /** Where each of `events` is in the message, from 0; absent when they are all there are. */
  readonly places?: readonly number[]
  /** One for the whole message, or one for each event that was refused. */
  readonly rejections: readonly Rejection[]
  /** From the envelope; empty when the whole message was refused. */
  readonly agentVersion: string
  readonly agentId: string
  /** `1.0`, `2.0`, `binary 2.3`; empty when the whole message was refused. */
  readonly schema: string
  /**
   * What the newest event says of the agent's clock: its time minus the time of receipt, in ms, for
   * `estimateClockOffset`. Absent without events.
   */
  readonly clockOffsetMs?: number
  /** Numbers of the binary payloads that this version cannot read, each as often as it came. */
  readonly unknownPayloads?: readonly number[]
  /** Events that were there before, and those beyond a limit of the device; `events` has neither. */
  readonly repeatedEvents?: number
  readonly lostEvents?: number
  /** Rows of the latter. */
  readonly lostRows?: number
}

/** Event names that a hub has learned besides the built-in ones. */
export interface CustomEvents {
  /** Whether the name is one of them. */
  has(name: string): boolean
  /** What is wrong with a payload element, or `undefined`. */
  refuse(name: string, element: object, path: string): string | undefined
}

const NO_CUSTOM_EVENTS: CustomEvents = { has: () => false, refuse: () => undefined }

/**
 * Reads one security message. Strict about structure, lenient about scalars: when the envelope is
 * unusable the message is refused; otherwise each event is judged alone, and what it got wrong but
 * may is named in its header's `deviations`. Never throws.
 *
 * @param receivedMs  when the platform took the message in; event times are clamped around it
 */
export function decodeMessage(
  message: SecurityMessage,
  receivedMs: number,
  customEvents = NO_CUSTOM_EVENTS,
): DecodedMessage {
  const { ref, sequence } = message
  const body = readBody(message)
  if ('refusal' in body) return refuseMessage(message, receivedMs, body.refusal)
  const common = { ref, sequence, receivedMs, era: body.era }
  if ('binary' in body) return decodeBinary(body, message, common)
  const { AgentVersion, AgentId, MessageSchemaVersion: schema, Events } = body.envelope
  const whole = { ...common, agentVersion: AgentVersion, agentId: AgentId }
  const events: SecurityEvent[] = []
  const places: number[] = []
  const rejections: Rejection[] = []
  for (const [index, event] of Events.entries()) {
    const path = `Events[${index}]`
    const reason = refuseEvent(event, schema, path) ?? refuseCustom(event, path, customEvents)
    if (reason === undefined) {
      const sent = event as SecurityEventHeader
      places.push(index)
      events.push(toEvent(sent, deviationsOf(sent, schema, customEvents), whole))
    } else {
      rejections.push({ ref, sequence, receivedMs, reason, excerpt: excerptOf(textOf(event)) })
    }
  }
  const agent = { agentVersion: AgentVersion, agentId: AgentId, schema }
  return { events, rejections, ...agent, ...newestOffset(events), ...placesIn(places, rejections) }
}

function placesIn(places: readonly number[], rejections: readonly Rejection[]) {
  return rejections.length === 0 ? {} : { places }
}

/** Refuses a message whole, for a reason that a person reads. */
export function refuseMessage(
  { ref, sequence, body }: SecurityMessage,
  receivedMs: number,
  reason: string,
): DecodedMessage {
  const rejections = [{ ref, sequence, receivedMs, reason, excerpt: excerptOf(body) }]
  return { events: [], rejections, agentVersion: '', agentId: '', schema: '' }
}

type Common = Pick<EventHeader, 'ref' | 'sequence' | 'receivedMs' | 'agentVersion' | 'agentId'> & {
  readonly era: Era
}

/** Only names that nothing else has are learned, so whatever has another shape was judged before. */
function refuseCustom(
  event: unknown,
  path: string,
  customEvents: CustomEvents,
): string | undefined {
  const { Name, Payload } = event as SecurityEventHeader
  if (!customEvents.has(Name)) return undefined
  for (const [index, element] of Payload.entries()) {
    const reason = customEvents.refuse(Name, element, `${path}.Payload[${index}]`)
    if (reason !== undefined) return reason
  }
  return undefined
}

function deviationsOf(
  event: SecurityEventHeader,
  schema: SecurityMessageSchema,
  customEvents: CustomEvents,
): readonly string[] {
  const deviations = findDeviations(event, schema)
  if (!deviations.includes('unknown-name') || !customEvents.has(event.Name)) return deviations
  return deviations.filter((deviation) => deviation !== 'unknown-name')
}

function decodeBinary(
  { binary, version }: { readonly binary: BinaryMessage; readonly version: string },
  message: SecurityMessage,
  common: Pick<Common, 'ref' | 'sequence' | 'receivedMs' | 'era'>,
): DecodedMessage {
  const { ref, sequence, receivedMs } = common
  const { agentId, agentVersion } = binary
  const fromVersion = KNOWN_BINARY_VERSIONS.has(version) ? [] : ['unknown-binary-version']
  const events: SecurityEvent[] = []
  const rejections: Rejection[] = []
  const places: number[] = []
  const unknownPayloads: number[] = []
  const excerpt = excerptOf(Buffer.from(beginningOf(message)).toString('base64'))
  for (const [index, one] of binary.events.entries()) {
    if ('refusal' in one) {
      rejections.push({ ref, sequence, receivedMs, reason: one.refusal, excerpt })
      continue
    }
    const isUnknown = one.unknownPayload !== undefined
    const deviations = isUnknown ? [...fromVersion, 'unknown-payload'] : fromVersion
    // The first one carries the bytes of the whole message: where a payload ends is not known.
    const sent =
      isUnknown && unknownPayloads.length === 0 ? withBytes(one.event, message) : one.event
    if (isUnknown) unknownPayloads.push(one.unknownPayload)
    places.push(index)
    events.push(toEvent(sent, deviations, { ...common, agentId, agentVersion }))
  }
  const schema = `binary ${version}`
  const whole = { rejections, agentVersion, agentId, schema, unknownPayloads }
  return { events, ...whole, ...newestOffset(events), ...placesIn(places, rejections) }
}

/** What an excerpt can hold: a message of a thousand refused events is not encoded for each. */
function beginningOf({ body }: SecurityMessage): Uint8Array {
  return body.subarray(0, MAX_EXCERPT_BYTES)
}

function withBytes(event: SecurityEventHeader, { body }: SecurityMessage): SecurityEventHeader {
  const message = Buffer.from(body).toString('base64')
  return { ...event, Payload: event.Payload.map((element) => ({ ...element, message })) }
}

function toEvent(
  event: SecurityEventHeader,
  deviations: readonly string[],
  common: Common,
): SecurityEvent {
  const { receivedMs } = common
  const sentMs = parseTimestamp(event.TimestampUTC)?.ms ?? receivedMs
  const timeMs = clamp(sentMs, receivedMs - MAX_EVENT_AGE_MS, receivedMs + MAX_EVENT_LEAD_MS)
  const isClamped = timeMs !== sentMs
  const header = {
    ref: common.ref,
    era: common.era,
    agentVersion: common.agentVersion,
    agentId: common.agentId,
    eventId: event.Id,
    name: event.Name,
    category: event.Category,
    eventType: event.EventType,
    isEmpty: event.IsEmpty,
    timeMs,
    timestampLocal: event.TimestampLocal,
    receivedMs,
    sequence: common.sequence,
    deviations: isClamped ? [...deviations, 'time-clamped'] : deviations,
    ...(isClamped && { timestampSent: event.TimestampUTC }),
  }
  return { header, payload: event.Payload }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}

function textOf(event: unknown): string {
  return JSON.stringify(event)
}
