import type { Rejection } from '../../ingestion/record.ts'
import type { Finding } from '../evaluate.ts'
import { matchRecord } from '../record-match.ts'
import type { AlertType, RuleMemory } from '../rule.ts'
import { noticedRecord } from './hub-record.ts'

/** So many refusals of one device within `REFUSAL_WINDOW_MS` are told. */
export const MIN_REFUSALS = 10
/** Begins with the first refusal after the window before. */
export const REFUSAL_WINDOW_MS = 3_600_000

const MEMORY = 'refusedMessages'

export const securityMessagesRefused: AlertType = {
  number: 116,
  alertType: 'IoT_SecurityMessagesRefused',
  displayName: 'Security messages are refused',
  severity: 'Medium',
  intent: 'DefenseEvasion',
  description:
    `At least ${MIN_REFUSALS} security messages or events of this device were refused within an hour. ` +
    'What was in them is not looked at, so the device is watched only in part.',
  remediationSteps: [
    'Read the reasons of the refusals (`security rejected`): a wrong version of the agent or of ' +
      'its configuration shows at once.',
    'Send custom events only after their schema was registered.',
    'If the agent was not changed and suddenly sends what is none of its messages, treat the device ' +
      'as broken into.',
  ],
  techniques: ['T1562.001'],
}

/**
 * Counts refusals of a device; tells once a window, when there are enough.
 *
 * @param memory  of the device
 * @param refused  of one message, at least one
 */
export function countRefused(
  memory: RuleMemory,
  refused: readonly Rejection[],
): Finding | undefined {
  const [first] = refused
  if (!first) return undefined
  const { ref, sequence, receivedMs, reason } = first
  const { startMs, count } = memory.get(MEMORY) ?? {}
  const isUnderWay = typeof startMs === 'number' && receivedMs - startMs < REFUSAL_WINDOW_MS
  const windowMs = isUnderWay ? startMs : receivedMs
  const before = isUnderWay && typeof count === 'number' ? count : 0
  const after = before + refused.length
  memory.set(MEMORY, { startMs: windowMs, count: after })
  if (before >= MIN_REFUSALS || after < MIN_REFUSALS) return undefined
  const place = { kind: 'refused', id: `message:${sequence}`, startMs: windowMs }
  const record = noticedRecord(ref, { ...place, endMs: receivedMs }, after)
  const match = matchRecord(record, {
    key: '',
    seen: `${after} refusals within an hour`,
    detail: reason,
    properties: { 'Last Reason': reason },
  })
  const observed = { eventId: place.id, timeMs: receivedMs }
  return {
    rule: { type: securityMessagesRefused },
    record,
    match: { ...match, observed },
    element: 0,
  }
}
