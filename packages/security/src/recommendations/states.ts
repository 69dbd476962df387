import { HubError } from '@twinward/protocol'
import { enter, type Recommendation, unhide } from './recommendation.ts'

/** States that no snapshot brings about: what people accept, what time does, what is switched off. */

/** Characters of the reason of an exemption. */
export const MAX_REASON_CHARACTERS = 1000

/** Who changes something, and when. */
export interface Change {
  readonly timeMs: number
  /** A policy name. */
  readonly by: string
}

/**
 * Accepts a recommendation: it counts as neutral until `untilMs`, or for good. Of one that is exempt
 * already the reason and the end change.
 *
 * @throws {HubError} `ArgumentInvalid` when it is resolved, for an empty or long reason, and for an
 *   end that is past
 */
export function exempt(
  recommendation: Recommendation,
  { reason, untilMs }: { readonly reason: string; readonly untilMs?: number },
  { timeMs, by }: Change,
): Recommendation {
  if (recommendation.state === 'Resolved') {
    throw new HubError('ArgumentInvalid', 'A Resolved recommendation needs no exemption.')
  }
  const exemptReason = readReason(reason)
  if (exemptReason === '') throw new HubError('ArgumentInvalid', 'An exemption needs a reason.')
  if (untilMs !== undefined && !(untilMs > timeMs)) {
    throw new HubError('ArgumentInvalid', 'The end of an exemption lies in the future.')
  }
  const { exemptUntilMs: _, ...rest } = recommendation
  const entered = enter(rest, { state: 'Exempt', timeMs, by, note: exemptReason })
  return { ...entered, exemptReason, ...(untilMs !== undefined && { exemptUntilMs: untilMs }) }
}

/** Ends an exemption. @throws {HubError} `ArgumentInvalid` when it is not exempt, for a long reason */
export function liftExemption(
  recommendation: Recommendation,
  { timeMs, by, reason = '' }: Change & { readonly reason?: string },
): Recommendation {
  const { state } = recommendation
  if (state !== 'Exempt') {
    throw new HubError('ArgumentInvalid', `This recommendation is ${state}, not Exempt.`)
  }
  return unhide(recommendation, { timeMs, by, note: readReason(reason) })
}

/** Nothing has been heard of it for too long; only of an active one. Pure. */
export function becomeStale(recommendation: Recommendation, nowMs: number): Recommendation {
  if (recommendation.state !== 'Active') return recommendation
  const note = 'No snapshot for three times its interval.'
  return enter(recommendation, { state: 'Stale', timeMs: nowMs, note })
}

/** Its type was switched off; whatever it was, nobody is asked to do anything. Pure. */
export function switchOff(recommendation: Recommendation, change: Change): Recommendation {
  return end(recommendation, { ...change, note: 'The recommendation was switched off.' })
}

/** What it is about is gone. Pure. */
export function leave(
  recommendation: Recommendation,
  timeMs: number,
  note: string,
): Recommendation {
  return end(recommendation, { timeMs, note })
}

function end(
  recommendation: Recommendation,
  change: { readonly timeMs: number; readonly by?: string; readonly note: string },
): Recommendation {
  if (recommendation.state === 'Resolved') return recommendation
  const { exemptUntilMs: _, isGoodMeanwhile: __, ...rest } = recommendation
  return { ...enter(rest, { ...change, state: 'Resolved' }), exemptReason: '' }
}

function readReason(text: string): string {
  const reason = text.trim()
  if (reason.length <= MAX_REASON_CHARACTERS) return reason
  const length = `${reason.length} of ${MAX_REASON_CHARACTERS}`
  throw new HubError('ArgumentInvalid', `The reason has ${length} characters.`)
}
