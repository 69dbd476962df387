import { pauseAfter } from './backoff.ts'
import type { DeadLetter, Delivery } from './delivery.ts'
import { MAX_AGE_MS, MAX_ATTEMPTS, MAX_REASON_CHARACTERS } from './limits.ts'
import type { SendFailure } from './transport.ts'

/** What becomes of deliveries after an attempt. */
export interface Settlement {
  readonly delivered: readonly Delivery[]
  /** To be tried again, each with its next time. */
  readonly put: readonly Delivery[]
  readonly dead: readonly DeadLetter[]
  /** Ids of those that wait no longer: delivered, dead, or of a drill that failed. */
  readonly remove: readonly string[]
  readonly lastFailure: string | undefined
}

/**
 * Each delivery is done, tried again later, or given up: when the other end will never take it, after
 * `MAX_ATTEMPTS`, or at the age of `MAX_AGE_MS`. One of a fire drill has one attempt, whose outcome the
 * drill reports. Pure but for chance.
 *
 * @param failures  for each delivery, in the same order
 */
export function settle(
  sent: readonly Delivery[],
  failures: readonly (SendFailure | undefined)[],
  { nowMs, random }: { readonly nowMs: number; readonly random: () => number },
): Settlement {
  const delivered: Delivery[] = []
  const put: Delivery[] = []
  const dead: DeadLetter[] = []
  let lastFailure: string | undefined
  for (const [at, delivery] of sent.entries()) {
    const failure = failures[at]
    if (!failure) {
      delivered.push(delivery)
      continue
    }
    lastFailure = failure.reason.slice(0, MAX_REASON_CHARACTERS)
    if (delivery.drill !== undefined) continue
    const attempts = delivery.attempts + 1
    const nextMs = nowMs + pauseAfter(attempts, random())
    const tried = { ...delivery, attempts, nextMs, lastError: lastFailure }
    if (isHopeless(tried, failure)) {
      dead.push({ delivery: tried, deadMs: nowMs, reason: lastFailure })
    } else {
      put.push(tried)
    }
  }
  const again = new Set(put.map(({ id }) => id))
  const remove = sent.flatMap(({ id }) => (again.has(id) ? [] : [id]))
  return { delivered, put, dead, remove, lastFailure }
}

function isHopeless({ attempts, nextMs, createdMs }: Delivery, { isPermanent }: SendFailure) {
  return isPermanent === true || attempts >= MAX_ATTEMPTS || nextMs - createdMs >= MAX_AGE_MS
}
