import type { DecodedMessage } from './decode.ts'
import type { EventWindow } from './event-window.ts'
import { fingerprint } from './fingerprint.ts'
import type { IntakeState, Verdict } from './ingestion-store.ts'
import {
  countEvent,
  countMessage,
  formatHour,
  type IntakeDraft,
  type IntakeLimits,
} from './quota.ts'
import { detailsOf, type SecurityEvent } from './record.ts'

/** Numbers of binary payloads that are counted one by one. */
const MAX_UNKNOWN_PAYLOADS = 64

/** The event's id was there before, with another content. */
export const REUSED_ID = 'event-id-reused'

/** A message whose events are still to be judged. */
export interface Arrival {
  readonly sequence: number
  readonly receivedMs: number
  readonly sizeBytes: number
  readonly decoded: DecodedMessage
}

/**
 * Decides which events of a message count: not those that were there before, and not those beyond a
 * limit. Pure but for `window`, which remembers them.
 *
 * @param before  of the sending device
 * @returns the state after the message, and the verdict on its events
 */
export function admit(
  before: IntakeState,
  window: EventWindow,
  { sequence, receivedMs, sizeBytes, decoded }: Arrival,
  limits: IntakeLimits,
): { readonly state: IntakeState; readonly verdict: Verdict } {
  const state: IntakeDraft = { ...countMessage(before, sizeBytes, receivedMs) }
  const repeated: number[] = []
  const reused: number[] = []
  const excess: number[] = []
  const declarations = declareEnded(before, state)
  const hadLoss = state.losses.at(-1)?.hour === state.hour
  for (const [at, event] of decoded.events.entries()) {
    const index = decoded.places?.[at] ?? at
    const seen = window.see(fingerprint(event.header, detailsOf(event)), receivedMs)
    if (seen === 'repeated') {
      repeated.push(index)
      continue
    }
    const reason = countEvent(state, event.header, Math.max(1, event.payload.length), limits)
    if (reason !== undefined) {
      if (!hadLoss && excess.length === 0) declarations.push(declareBegun(state, reason))
      excess.push(index)
    } else if (seen === 'reused') reused.push(index)
  }
  const verdict = { sequence, repeated, reused, excess, declarations }
  return { state: withCounts(state, verdict, decoded), verdict }
}

function withCounts(
  state: IntakeState,
  { repeated, reused }: Verdict,
  { unknownPayloads = [] }: DecodedMessage,
): IntakeState {
  return {
    ...state,
    repeated: state.repeated + repeated.length,
    reusedIds: state.reusedIds + reused.length,
    unknownPayloads: countUnknown(state.unknownPayloads, unknownPayloads),
  }
}

function countUnknown(
  before: IntakeState['unknownPayloads'],
  numbers: readonly number[],
): IntakeState['unknownPayloads'] {
  if (numbers.length === 0) return before
  const counts = new Map(Object.entries(before))
  for (const number of numbers) {
    const key = String(number)
    if (counts.has(key) || counts.size < MAX_UNKNOWN_PAYLOADS) {
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
  }
  return Object.fromEntries(counts)
}

/** An hour with losses is over: now it is known how many there were. */
function declareEnded(before: IntakeState, after: IntakeState): string[] {
  const loss = before.losses.at(-1)
  if (loss === undefined || loss.hour !== before.hour || before.hour === after.hour) return []
  const counts = `${loss.events} events with ${loss.rows} rows`
  return [`In the hour from ${formatHour(loss.hour)}, ${counts} were not kept.`]
}

function declareBegun({ hour }: IntakeState, excess: string): string {
  return (
    `Security events of this device are not kept in the hour from ${formatHour(hour)}: ${excess}. ` +
    'Those that are not kept are counted.'
  )
}

/** What is left of a message when its verdict is followed. Pure. */
export function followVerdict(
  decoded: DecodedMessage,
  { ref, receivedMs }: Pick<SecurityEvent['header'], 'ref' | 'receivedMs'>,
  verdict: Verdict | undefined,
): DecodedMessage {
  if (verdict === undefined) return decoded
  const { sequence, repeated, reused, excess, declarations } = verdict
  const { places, ...rest } = decoded
  const left = new Set([...repeated, ...excess])
  const beyond = new Set(excess)
  const marked = new Set(reused)
  const placed = decoded.events.map((event, at) => ({ event, index: places?.[at] ?? at }))
  const events = placed.flatMap(({ event, index }) => {
    if (left.has(index)) return []
    return [marked.has(index) ? withDeviation(event, REUSED_ID) : event]
  })
  const lost = placed.filter(({ index }) => beyond.has(index))
  return {
    ...rest,
    events,
    rejections: [
      ...decoded.rejections,
      ...declarations.map((reason) => ({ ref, sequence, receivedMs, reason, excerpt: '' })),
    ],
    repeatedEvents: repeated.length,
    lostEvents: excess.length,
    lostRows: lost.reduce((sum, { event }) => sum + Math.max(1, event.payload.length), 0),
  }
}

function withDeviation(event: SecurityEvent, deviation: string): SecurityEvent {
  const { header } = event
  return { ...event, header: { ...header, deviations: [...header.deviations, deviation] } }
}
