import { randomBytes } from 'node:crypto'
import { HubError } from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import type { AlertFilter, FindingStore } from '../../data/finding-store.ts'
import type { HeldBack } from '../../data/noise.ts'
import type { Serial } from '../../serial.ts'
import type { Alert } from '../alert.ts'
import { addNote, changeStatus, MAX_NOTES } from '../alerts.ts'
import type { Finding } from '../evaluate.ts'
import type { SuppressionLookup } from '../noise/verdicts.ts'
import {
  ANY_TYPE,
  isAbout,
  isInForce,
  readSuppression,
  type Suppressible,
  type Suppression,
  type SuppressionContent,
  type SuppressionRequest,
} from './suppression.ts'
import { MAX_SUPPRESSIONS, type SuppressionStore } from './suppression-store.ts'

/** Open alerts that a suppression is compared with, newest first. */
export const MAX_COMPARED = 10_000
/** Matching alerts that a test shows. */
export const MAX_SHOWN = 20
/** Alerts that are read, and dismissed, in one step. */
const PAGE_ALERTS = 200
/** An id: so many random bytes, in hex. */
const ID_BYTES = 8

interface Ports {
  readonly suppressions: SuppressionStore
  readonly findings: FindingStore
  readonly clock: Clock
}

interface Options {
  /** Changes of findings are made one after the other. */
  readonly changes: Serial
  /** Told of every device with a changed alert. */
  readonly touched: (deviceId: string) => void
  /** The security group of a device, in lower case. */
  readonly groupOf: (deviceId: string) => Promise<string>
}

/** Which open alerts a suppression is about. */
export interface Preview {
  readonly matched: number
  /** False: there are more open alerts than `MAX_COMPARED`. */
  readonly isComplete: boolean
  /** The newest, at most `MAX_SHOWN`. */
  readonly items: readonly Alert[]
}

/** Who suppresses which alerts, until when and why; asked about every finding. */
export class Suppressions implements SuppressionLookup {
  readonly #ports: Ports
  readonly #options: Options
  #known: readonly Suppression[] = []

  constructor(ports: Ports, options: Options) {
    this.#ports = ports
    this.#options = options
  }

  async start(): Promise<void> {
    this.#known = await this.#ports.suppressions.all()
  }

  async suppressedBy(finding: Finding, nowMs: number): Promise<string | undefined> {
    const { rule, record, match } = finding
    const { entities, extendedProperties } = match
    const { alertType } = rule.type
    const { deviceId } = record.header.ref
    const subject = { alertType, deviceId, entities, extendedProperties }
    for (const suppression of this.#known) {
      if (!isInForce(suppression, nowMs)) continue
      if (await this.#isMeant(suppression, subject)) return suppression.id
    }
    return undefined
  }

  /** The oldest first. */
  list(): readonly Suppression[] {
    return this.#known
  }

  /** @throws {HubError} `GenericNotFound` */
  get(id: string): Suppression {
    const found = this.#known.find((each) => each.id === id)
    if (found) return found
    throw new HubError('GenericNotFound', `There is no suppression ${id.slice(0, 128)}.`)
  }

  /** Whether it holds anything back now. */
  isInForce(suppression: Suppression): boolean {
    return isInForce(suppression, this.#ports.clock.now())
  }

  /** What suppressions held back, by their ids. */
  async heldBack(): Promise<
    ReadonlyMap<string, Pick<HeldBack, 'count' | 'lastMs' | 'lastDeviceId'>>
  > {
    const sums = new Map<string, HeldBack>()
    for (const one of await this.#ports.findings.noise.heldBack()) {
      if (one.reason !== 'suppressed') continue
      const before = sums.get(one.by)
      const newest = before && before.lastMs > one.lastMs ? before : one
      sums.set(one.by, { ...newest, count: one.count + (before?.count ?? 0) })
    }
    return sums
  }

  /**
   * @throws {HubError} `ArgumentInvalid` that names the member; `IotHubQuotaExceeded` beyond
   *   `MAX_SUPPRESSIONS`
   */
  create(request: SuppressionRequest, author: string): Promise<Suppression> {
    const nowMs = this.#ports.clock.now()
    const content = readSuppression(request, nowMs)
    return this.#options.changes.run(async () => {
      if (this.#known.length >= MAX_SUPPRESSIONS) {
        const text = `There are ${MAX_SUPPRESSIONS} suppressions, which is the most: delete expired ones.`
        throw new HubError('IotHubQuotaExceeded', text)
      }
      const id = randomBytes(ID_BYTES).toString('hex')
      return this.#put({ ...content, id, author, createdMs: nowMs, changedMs: nowMs })
    })
  }

  /** Puts other content in the place of a suppression's. @throws {HubError} as `create`, `get` */
  replace(id: string, request: SuppressionRequest, author: string): Promise<Suppression> {
    const changedMs = this.#ports.clock.now()
    const content = readSuppression(request, changedMs)
    return this.#options.changes.run(() =>
      this.#put({ ...this.get(id), ...content, author, changedMs }),
    )
  }

  /** @throws {HubError} `GenericNotFound` */
  remove(id: string): Promise<void> {
    return this.#options.changes.run(async () => {
      this.get(id)
      await this.#ports.suppressions.remove(id)
      this.#known = this.#known.filter((each) => each.id !== id)
      await this.#ports.findings.noise.forgetHeldBack(id)
    })
  }

  /** The open alerts that it would be about, had it been there. @throws {HubError} as `create` */
  async test(request: SuppressionRequest): Promise<Preview> {
    const content = readSuppression(request, this.#ports.clock.now())
    const items: Alert[] = []
    let matched = 0
    const isComplete = await this.#eachOpen(content, async (alerts) => {
      matched += alerts.length
      items.push(...alerts.slice(0, MAX_SHOWN - items.length))
    })
    items.sort((a, b) => b.endTimeMs - a.endTimeMs)
    return { matched, isComplete, items: items.slice(0, MAX_SHOWN) }
  }

  /** Dismisses the open alerts that a suppression is about, with its author and reason. */
  async dismissOpen(suppression: Suppression): Promise<{ dismissed: number; isComplete: boolean }> {
    const { findings, clock } = this.#ports
    const { id, reason, author: by } = suppression
    let dismissed = 0
    const isComplete = await this.#eachOpen(suppression, (alerts) =>
      this.#options.changes.run(async () => {
        const timeMs = clock.now()
        const note = `Suppression ${id}: ${reason}`
        const current = await Promise.all(alerts.map((alert) => findings.findAlert(alert.id)))
        const open = current.filter((alert) => alert !== undefined).filter(isOpen)
        const changed = open.map((alert) => {
          const closed = changeStatus(alert, { status: 'Dismissed', timeMs, by, note })
          const isFull = alert.notes.length >= MAX_NOTES
          return isFull ? closed : addNote(closed, { timeMs, by, text: note })
        })
        if (changed.length > 0) await findings.commit({ alerts: changed })
        for (const { deviceId } of changed) this.#options.touched(deviceId)
        dismissed += changed.length
      }),
    )
    return { dismissed, isComplete }
  }

  async #put(suppression: Suppression): Promise<Suppression> {
    await this.#ports.suppressions.put(suppression)
    const others = this.#known.filter(({ id }) => id !== suppression.id)
    this.#known = [...others, suppression].sort(byAge)
    return suppression
  }

  async #isMeant(content: SuppressionContent, alert: Suppressible): Promise<boolean> {
    if (!isAbout(content, alert)) return false
    return content.group === '' || content.group === (await this.#options.groupOf(alert.deviceId))
  }

  /** @returns whether all open alerts were compared */
  async #eachOpen(
    content: SuppressionContent,
    take: (alerts: readonly Alert[]) => Promise<void>,
  ): Promise<boolean> {
    let compared = 0
    for (const status of ['Active', 'InProgress'] as const) {
      let token: Pick<AlertFilter, 'continuationToken'> | undefined = {}
      while (token) {
        if (compared >= MAX_COMPARED) return false
        const filter: AlertFilter = { ...scopeOf(content), status, limit: PAGE_ALERTS, ...token }
        const page = await this.#ports.findings.listAlerts(filter)
        const meant = await Promise.all(page.items.map((alert) => this.#isMeant(content, alert)))
        const matching = page.items.filter((_, at) => meant[at])
        if (matching.length > 0) await take(matching)
        compared += page.items.length
        const { continuationToken } = page
        token = continuationToken === null ? undefined : { continuationToken }
      }
    }
    return true
  }
}

function scopeOf({ alertType, deviceId }: SuppressionContent): Partial<AlertFilter> {
  return {
    ...(alertType !== ANY_TYPE && { alertType }),
    ...(deviceId !== '' && { deviceId }),
  }
}

function isOpen({ status }: Alert): boolean {
  return status === 'Active' || status === 'InProgress'
}

function byAge(a: Suppression, b: Suppression): number {
  return a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1)
}
