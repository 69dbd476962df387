import {
  findDeviations,
  parseTimestamp,
  refuseEvent,
  type SecurityEventHeader,
  type SecurityMessageSchema,
} from '@twinward/protocol'
import type { SecurityMessage } from '../platform.ts'
import { excerptOf, readBody } from './body.ts'
import type { EventHeader, Rejection, SecurityEvent } from './record.ts'

/** Event times are trusted this far; beyond, the agent's clock is wrong. */
export const MAX_EVENT_AGE_MS = 30 * 24 * 3_600_000
export const MAX_EVENT_LEAD_MS = 10 * 60_000

/** What a security message turned out to be. Every event in it is in `events` or in `rejections`. */
export interface DecodedMessage {
  readonly events: readonly SecurityEvent[]
  /** One for the whole message, or one for each event that was refused. */
  readonly rejections: readonly Rejection[]
  /** From the envelope; empty when the whole message was refused. */
  readonly agentVersion: string
  readonly agentId: string
  /** `1.0` or `2.0`; empty when the whole message was refused. */
  readonly schema: SecurityMessageSchema | ''
}

/**
 * Reads one security message. Strict about structure, lenient about scalars: when the envelope is
 * unusable the message is refused; otherwise each event is judged alone, and what it got wrong but
 * may is named in its header's `deviations`. Never throws.
 *
 * @param receivedMs  when the platform took the message in; event times are clamped around it
 */
export function decodeMessage(message: SecurityMessage, receivedMs: number): DecodedMessage {
  const { ref, sequence } = message
  const body = readBody(message)
  if ('refusal' in body) {
    const excerpt = excerptOf(message.body)
    const rejections = [{ ref, sequence, receivedMs, reason: body.refusal, excerpt }]
    return { events: [], rejections, agentVersion: '', agentId: '', schema: '' }
  }
  const { AgentVersion, AgentId, MessageSchemaVersion: schema, Events } = body.envelope
  const common = { ref, sequence, receivedMs, agentVersion: AgentVersion, agentId: AgentId }
  const events: SecurityEvent[] = []
  const rejections: Rejection[] = []
  for (const [index, event] of Events.entries()) {
    const reason = refuseEvent(event, schema, `Events[${index}]`)
    if (reason === undefined) events.push(toEvent(event as SecurityEventHeader, schema, common))
    else rejections.push({ ref, sequence, receivedMs, reason, excerpt: excerptOf(textOf(event)) })
  }
  return { events, rejections, agentVersion: AgentVersion, agentId: AgentId, schema }
}

type Common = Pick<EventHeader, 'ref' | 'sequence' | 'receivedMs' | 'agentVersion' | 'agentId'>

function toEvent(
  event: SecurityEventHeader,
  schema: SecurityMessageSchema,
  common: Common,
): SecurityEvent {
  const { receivedMs } = common
  const sentMs = parseTimestamp(event.TimestampUTC)?.ms ?? receivedMs
  const timeMs = clamp(sentMs, receivedMs - MAX_EVENT_AGE_MS, receivedMs + MAX_EVENT_LEAD_MS)
  const deviations: readonly string[] = findDeviations(event, schema)
  const isClamped = timeMs !== sentMs
  const header = {
    ref: common.ref,
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
