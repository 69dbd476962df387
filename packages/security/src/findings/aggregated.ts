import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import { type AlertDayCount, type AlertDayDevice, MAX_LISTED_DAYS } from '../data/alert-days.ts'
import type { FindingStore, Page } from '../data/finding-store.ts'
import type { Alert, AlertStatus, Severity } from '../detection/alert.ts'
import { type BulkChanges, MAX_BULK_ALERTS } from './bulk.ts'

const DAY_MS = 24 * 3_600_000
/** Days of a list that says neither end. */
export const DEFAULT_LISTED_DAYS = 7
/** Alerts that one dismissal changes; the same call again goes on. */
export const MAX_DISMISSED = 20_000

/** All alerts of one type that began on one UTC day (security 04 §1.4). */
export interface AggregatedAlert {
  /** `<alertType>/<yyyy-mm-dd>`. */
  readonly name: string
  readonly alertType: string
  readonly day: number
  readonly count: number
  readonly byStatus: { readonly [status in AlertStatus]: number }
  /** The worst of them. */
  readonly severity: Severity
  /** `Dismissed`: each of them is; `Resolved`: none is open; else empty. */
  readonly actionTaken: '' | 'Dismissed' | 'Resolved'
  readonly isNew: boolean
  /** One of its alerts, for the texts; absent when it went in between. */
  readonly sample: Alert | undefined
}

interface Ports {
  readonly findings: FindingStore
  readonly clock: Clock
  readonly bulk: BulkChanges
}

/** Alerts by type and day, as people look through many. */
export class AggregatedAlerts {
  readonly #ports: Ports

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /**
   * Newest day first, then by type.
   *
   * @param fromMs, toMs  the days of these times, inclusive; default: the last `DEFAULT_LISTED_DAYS`
   * @throws {HubError} `ArgumentInvalid` for more than `MAX_LISTED_DAYS` and an end before its beginning
   */
  async list(fromMs?: number, toMs?: number): Promise<readonly AggregatedAlert[]> {
    const toDay = dayOf(toMs ?? this.#ports.clock.now())
    const fromDay = fromMs === undefined ? toDay - DEFAULT_LISTED_DAYS + 1 : dayOf(fromMs)
    if (fromDay > toDay) throw new HubError('ArgumentInvalid', 'from lies after to.')
    if (toDay - fromDay >= MAX_LISTED_DAYS) {
      throw new HubError('ArgumentInvalid', `from and to span at most ${MAX_LISTED_DAYS} days.`)
    }
    const counts = await this.#ports.findings.days.counts({ fromDay, toDay })
    const samples = new Map<string, Alert | undefined>()
    const records: AggregatedAlert[] = []
    for (const group of grouped(counts)) {
      const [first] = group
      if (!first) continue
      const { alertType } = first
      if (!samples.has(alertType)) samples.set(alertType, await this.#sample(alertType))
      records.push(aggregate(group, first, { sample: samples.get(alertType), ...this.#now() }))
    }
    return records
  }

  /** @throws {HubError} `ArgumentInvalid` for what is no date; `GenericNotFound` without any */
  async get(alertType: string, date: string): Promise<AggregatedAlert> {
    const day = readDate(date)
    const filter = { fromDay: day, toDay: day, alertType }
    const counts = await this.#ports.findings.days.counts(filter)
    const [first] = counts
    if (!first) {
      const text = `No alert ${alertType.slice(0, 128)} began on ${date}, UTC.`
      throw new HubError('GenericNotFound', text)
    }
    const sample = await this.#sample(alertType)
    return aggregate(counts, first, { sample, ...this.#now() })
  }

  /** @throws {HubError} `ArgumentInvalid` as `get`, and for a limit or token */
  devices(
    alertType: string,
    date: string,
    page: { readonly limit: number; readonly continuationToken?: string },
  ): Promise<Page<AlertDayDevice>> {
    return this.#ports.findings.days.devices({ alertType, day: readDate(date), ...page })
  }

  /**
   * Dismisses every open alert of the type and day. What comes later that day opens as usual: who
   * wants none of them makes a suppression, which says until when and why.
   *
   * @throws {HubError} as `get`
   */
  async dismiss(
    alertType: string,
    date: string,
    { by, note }: { readonly by: string; readonly note: string },
  ): Promise<{ readonly dismissed: number; readonly isComplete: boolean }> {
    await this.get(alertType, date)
    const startedFromMs = readDate(date) * DAY_MS
    const toMs = startedFromMs + DAY_MS
    const change = { status: 'Dismissed' as const, note }
    let dismissed = 0
    for (const status of ['Active', 'InProgress'] as const) {
      let token: { continuationToken?: string } | undefined = {}
      while (token) {
        if (dismissed >= MAX_DISMISSED) return { dismissed, isComplete: false }
        const limit = MAX_BULK_ALERTS
        const filter = { alertType, status, startedFromMs, toMs, limit, ...token }
        const outcome = await this.#ports.bulk.run({ filter, change, isDryRun: false }, by)
        dismissed += outcome.changed
        const { continuationToken } = outcome
        token = continuationToken === null ? undefined : { continuationToken }
      }
    }
    return { dismissed, isComplete: true }
  }

  async #sample(alertType: string): Promise<Alert | undefined> {
    const { items } = await this.#ports.findings.listAlerts({ alertType, limit: 1 })
    return items[0]
  }

  #now() {
    return { nowMs: this.#ports.clock.now() }
  }
}

function* grouped(counts: readonly AlertDayCount[]): Generator<readonly AlertDayCount[]> {
  let group: AlertDayCount[] = []
  for (const count of counts) {
    const [first] = group
    if (first && (first.day !== count.day || first.alertType !== count.alertType)) {
      yield group
      group = []
    }
    group.push(count)
  }
  if (group.length > 0) yield group
}

const SEVERITIES: readonly Severity[] = ['High', 'Medium', 'Low', 'Informational']

function aggregate(
  counts: readonly AlertDayCount[],
  { alertType, day }: AlertDayCount,
  { sample, nowMs }: { readonly sample: Alert | undefined; readonly nowMs: number },
): AggregatedAlert {
  const byStatus = { Active: 0, InProgress: 0, Resolved: 0, Dismissed: 0 }
  for (const { status, count } of counts) byStatus[status] += count
  const count = counts.reduce((sum, each) => sum + each.count, 0)
  const isOpen = byStatus.Active + byStatus.InProgress > 0
  const actionTaken = byStatus.Dismissed === count ? 'Dismissed' : isOpen ? '' : 'Resolved'
  const severity = SEVERITIES.find((each) => counts.some((one) => one.severity === each)) ?? 'Low'
  return {
    ...{ name: `${alertType}/${formatDay(day)}`, alertType, day, count, byStatus },
    ...{ severity, actionTaken, sample },
    isNew: (day + 1) * DAY_MS > nowMs - DAY_MS,
  }
}

export function formatDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

function dayOf(timeMs: number): number {
  return Math.trunc(timeMs / DAY_MS)
}

function readDate(date: string): number {
  const timeMs = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(date) : Number.NaN
  if (!Number.isNaN(timeMs)) return dayOf(timeMs)
  throw new HubError('ArgumentInvalid', 'The date must be one such as 2026-01-31.')
}
