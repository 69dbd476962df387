import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { FindingStore, Page } from '../data/finding-store.ts'
import type { AgentRecord } from '../ingestion/record.ts'
import type { Log } from '../log.ts'
import type { ModuleStore } from '../modules/module-store.ts'
import type { ModuleRecord } from '../modules/record.ts'
import type { Serial } from '../serial.ts'
import type { Alert } from './alert.ts'
import { changeStatus, dedupeKey, ENGINE, openOrUpdate, opensAlert } from './alerts.ts'
import type { Finding } from './evaluate.ts'
import { Noise } from './noise/noise.ts'
import type { Judge } from './noise/verdict.ts'
import { matchRecord } from './record-match.ts'
import { twinConfigurationParseFailure } from './rules/twin-configuration-parse-failure.ts'

/** How often modules are looked at. */
export const WATCH_INTERVAL_MS = 5 * 60_000
/** Modules, and alerts, that are looked at in one step. */
const PAGE_ITEMS = 100
/** Refusals that are remembered as held back, so that each is counted once. */
const MAX_HELD_BACK = 10_000

interface Ports {
  readonly findings: FindingStore
  readonly modules: ModuleStore
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  readonly judge: Judge
  /** Changes of findings are made one after the other. */
  readonly changes: Serial
  /** Told of every device with a changed alert. */
  readonly touched: (deviceId: string) => void
}

/**
 * Raises the alert on agents that refuse their configuration without an event that says so: the
 * micro agent reports it in its twin, and an agent that runs something else after its time for it
 * says nothing at all. Resolves the alert, whatever raised it, when the agent runs what is desired.
 */
export class ConfigurationWatch {
  readonly #ports: Ports
  readonly #options: Options
  readonly #closing = new AbortController()
  /** Devices whose refusal was held back, with its time. */
  readonly #heldBack = new Map<string, number>()
  #noise = new Noise()
  #loop: Promise<void> | undefined

  constructor(ports: Ports, options: Options) {
    this.#ports = ports
    this.#options = options
  }

  start(): void {
    this.#loop ??= this.#watch()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#loop
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await clock.sleep(WATCH_INTERVAL_MS, signal)
        await this.#raise()
        await this.#resolve()
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'refused configurations were not looked for')
      }
    }
  }

  async #raise(): Promise<void> {
    const { modules } = this.#ports
    const filter = { state: 'configError', limit: PAGE_ITEMS } as const
    await this.#eachPage(
      (token) => modules.list({ ...filter, ...token }),
      (record) => this.#alertOn(record),
    )
  }

  async #resolve(): Promise<void> {
    const { findings } = this.#ports
    const { alertType } = twinConfigurationParseFailure.type
    for (const status of ['Active', 'InProgress'] as const) {
      await this.#eachPage(
        (token) => findings.listAlerts({ alertType, status, limit: PAGE_ITEMS, ...token }),
        (alert) => this.#resolved(alert),
      )
    }
  }

  /** Commits what follows from each page; a page that fails is looked at again the next time. */
  async #eachPage<T>(
    read: (token: { continuationToken?: string }) => Promise<Page<T>>,
    change: (item: T) => Promise<Alert | undefined>,
  ): Promise<void> {
    let token: { continuationToken?: string } | undefined = {}
    while (token) {
      this.#closing.signal.throwIfAborted()
      const current: { continuationToken?: string } = token
      const page = await this.#options.changes.run(async () => {
        const { items, continuationToken } = await read(current)
        const changed = await Promise.all(items.map(change))
        await this.#commit(changed.filter((alert) => alert !== undefined))
        return continuationToken
      })
      token = page === null ? undefined : { continuationToken: page }
    }
  }

  async #commit(alerts: readonly Alert[]): Promise<void> {
    if (alerts.length === 0 && this.#noise.isEmpty) return
    await this.#ports.findings.commit({ alerts, ...this.#noise.changes() })
    this.#noise = new Noise()
    for (const { deviceId } of alerts) this.#options.touched(deviceId)
  }

  async #alertOn(record: ModuleRecord): Promise<Alert | undefined> {
    const { findings, clock } = this.#ports
    const finding = refusalFinding(record)
    const existing = await findings.findAlertByKey(dedupeKey(finding))
    const isTold = existing !== undefined && existing.endTimeMs >= record.sinceMs
    // The agent's own event comes a moment before the state that follows from it.
    if (isTold || !opensAlert(existing, finding)) return undefined
    const nowMs = clock.now()
    const verdict = await this.#options.judge.judge(finding, nowMs)
    if (verdict.kind !== 'raised' && this.#heldBack.get(record.deviceId) === record.sinceMs) {
      return undefined
    }
    this.#noise.take(verdict, finding, nowMs)
    if (verdict.kind === 'raised') {
      return openOrUpdate(undefined, verdict.finding, nowMs, randomUUID)
    }
    if (this.#heldBack.size >= MAX_HELD_BACK) this.#heldBack.clear()
    this.#heldBack.set(record.deviceId, record.sinceMs)
    return undefined
  }

  async #resolved(alert: Alert): Promise<Alert | undefined> {
    const { modules, clock } = this.#ports
    const record = await modules.find(alert.deviceId)
    if (record?.state !== 'active' || record.sinceMs < alert.endTimeMs) return undefined
    const change = { timeMs: clock.now(), by: ENGINE, note: 'The agent runs what is desired.' }
    return changeStatus(alert, { ...change, status: 'Resolved' })
  }
}

/** What is found when a module's state says that its configuration is refused. */
function refusalFinding({ deviceId, sinceMs, kept }: ModuleRecord): Finding {
  const record: AgentRecord = {
    ...{ kind: 'agent', type: 'configError', hits: 1, payload: [] },
    header: {
      ref: { deviceId, ...(kept && { moduleId: kept.moduleId }) },
      ...{ era: 'micro', agentVersion: '', agentId: '', eventId: '', name: '', category: '' },
      ...{ eventType: '', isEmpty: true, timeMs: sinceMs, timestampLocal: '' },
      ...{ receivedMs: sinceMs, sequence: 0, deviations: [] },
    },
  }
  const match = matchRecord(record, {
    key: '',
    seen: 'the agent does not run its configuration',
    // With the time, by which one refusal is told from the next.
    detail: `refused, or other values, since ${new Date(sinceMs).toISOString()}`,
  })
  const observed = { eventId: '', timeMs: sinceMs }
  return { rule: twinConfigurationParseFailure, record, match: { ...match, observed }, element: 0 }
}
