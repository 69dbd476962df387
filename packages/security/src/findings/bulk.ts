import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { AlertFilter, FindingStore } from '../data/finding-store.ts'
import type { Alert } from '../detection/alert.ts'
import type { Serial } from '../serial.ts'
import { type AlertChange, applyToOneOfMany, isStill } from './alert-change.ts'

/** Alerts of one call; a filter that finds more goes on with the token of the answer. */
export const MAX_BULK_ALERTS = 1_000
/** Alerts that are changed in one commit, so that messages are evaluated in between. */
const BATCH_ALERTS = 100
/** Refusals that an answer names; all are counted. */
export const MAX_NAMED_REFUSALS = 100

interface Ports {
  readonly findings: FindingStore
  readonly clock: Clock
}

/** Which alerts, and what to change of them. */
export interface BulkRequest {
  /** Either these … */
  readonly ids?: readonly string[]
  /** … or those. `limit`: at most `MAX_BULK_ALERTS`. */
  readonly filter?: AlertFilter
  readonly change: AlertChange
  /** Only counts what would be looked at. */
  readonly isDryRun: boolean
}

export interface BulkOutcome {
  /** Alerts that were meant. */
  readonly matched: number
  readonly changed: number
  /** Were so already, or no longer what the filter asks for. */
  readonly unchanged: number
  readonly refusedCount: number
  /** The first `MAX_NAMED_REFUSALS`. */
  readonly refused: readonly { readonly id: string; readonly reason: string }[]
  /** Of the filter's next alerts. */
  readonly continuationToken: string | null
}

/**
 * Changes many alerts, in batches: each batch is committed whole or not at all, and none is undone
 * when a later one fails. The same call again changes what is left.
 */
export class BulkChanges {
  readonly #ports: Ports
  readonly #changes: Serial
  readonly #touch: (deviceId: string) => void

  /** @param changes, touch  as of `Findings` */
  constructor(ports: Ports, changes: Serial, touch: (deviceId: string) => void) {
    this.#ports = ports
    this.#changes = changes
    this.#touch = touch
  }

  /** @throws {HubError} `ArgumentInvalid` for too many ids, neither ids nor a filter, or both */
  async run({ ids, filter, change, isDryRun }: BulkRequest, by: string): Promise<BulkOutcome> {
    if ((ids === undefined) === (filter === undefined)) {
      throw new HubError('ArgumentInvalid', 'Give either ids or filter.')
    }
    if (ids !== undefined && ids.length > MAX_BULK_ALERTS) {
      const text = `ids has ${ids.length} members of at most ${MAX_BULK_ALERTS}.`
      throw new HubError('ArgumentInvalid', text)
    }
    const page = filter && (await this.#ports.findings.listAlerts(filter))
    const meant = page ? page.items.map(({ id }) => id) : [...new Set(ids)]
    const tally = new Tally()
    if (!isDryRun) {
      for (let at = 0; at < meant.length; at += BATCH_ALERTS) {
        const batch = meant.slice(at, at + BATCH_ALERTS)
        await this.#changes.run(() => this.#apply(batch, { filter, change, by }, tally))
      }
    }
    return tally.outcome(meant.length, page?.continuationToken ?? null)
  }

  async #apply(
    ids: readonly string[],
    what: { filter: AlertFilter | undefined; change: AlertChange; by: string },
    tally: Tally,
  ): Promise<void> {
    const { findings, clock } = this.#ports
    const author = { timeMs: clock.now(), by: what.by }
    const alerts = await Promise.all(ids.map((id) => findings.findAlert(id)))
    const changed: Alert[] = []
    for (const [at, alert] of alerts.entries()) {
      if (!alert) {
        tally.refuse(ids[at] ?? '', 'There is no such alert.')
        continue
      }
      if (what.filter && !isStill(alert, what.filter)) continue
      try {
        const next = applyToOneOfMany(alert, what.change, author)
        if (next !== alert) changed.push(next)
      } catch (error) {
        if (!(error instanceof HubError)) throw error
        tally.refuse(alert.id, error.message)
      }
    }
    if (changed.length > 0) await findings.commit({ alerts: changed })
    tally.changed += changed.length
    for (const deviceId of new Set(changed.map((alert) => alert.deviceId))) this.#touch(deviceId)
  }
}

/** What one call did so far. */
class Tally {
  changed = 0
  #refusedCount = 0
  readonly #refused: { readonly id: string; readonly reason: string }[] = []

  refuse(id: string, reason: string): void {
    this.#refusedCount++
    if (this.#refused.length < MAX_NAMED_REFUSALS) {
      this.#refused.push({ id: id.slice(0, 128), reason })
    }
  }

  outcome(matched: number, continuationToken: string | null): BulkOutcome {
    const [changed, refusedCount] = [this.changed, this.#refusedCount]
    const unchanged = matched - changed - refusedCount
    const counts = { matched, changed, unchanged, refusedCount }
    return { ...counts, refused: this.#refused, continuationToken }
  }
}
