import type { Notifications } from '../notifications.ts'
import type { SendFailure } from '../transport.ts'
import { DrillBroken } from './drill-report.ts'
import type { DrillRun, Passed } from './drill-run.ts'

/** How long a channel may take to its first attempt, and the attempt. */
const ATTEMPT_DEADLINE_MS = 25_000

interface Outcome {
  readonly failure: SendFailure | undefined
}

/** Notes what becomes of a drill's notifications, from now on. */
export function followDeliveries(notifications: Notifications, drill: string) {
  const outcomes = new Map<string, Outcome>()
  const waiting = new Map<string, (outcome: Outcome) => void>()
  const end = notifications.watch((delivery, failure) => {
    if (delivery.drill !== drill || outcomes.has(delivery.channelId)) return
    outcomes.set(delivery.channelId, { failure })
    waiting.get(delivery.channelId)?.({ failure })
  })
  return {
    end,
    /** @throws {DrillBroken} when it failed, or was not tried in time */
    async outcome(run: DrillRun, channelId: string): Promise<Passed<undefined>> {
      const known = outcomes.get(channelId)
      const attempted = known
        ? Promise.resolve(known)
        : new Promise<Outcome>((resolve) => waiting.set(channelId, resolve))
      const outcome = await run.within(ATTEMPT_DEADLINE_MS, attempted)
      if (!outcome) {
        const seconds = ATTEMPT_DEADLINE_MS / 1_000
        throw new DrillBroken(`not tried within ${seconds} s: too much may wait for this channel`)
      }
      if (outcome.failure) throw new DrillBroken(outcome.failure.reason)
      return { value: undefined, detail: 'delivered' }
    },
  }
}
