import { type DeviceRef, refKey } from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import type { FindingStore } from '../../data/finding-store.ts'
import type { Log } from '../../log.ts'
import type { TwinPlatform } from '../../platform.ts'
import type { Serial } from '../../serial.ts'
import { recommendationId } from '../recommendation.ts'
import type { Round } from '../round.ts'
import type { HubSetupNotice, WeakTls } from './hub-setup.ts'
import { assessConnections, noteConnection, weakIdentities, weakTlsType } from './weak-tls.ts'

/** How often everybody who is connected weakly is looked at, since notices may be lost. */
export const PASS_INTERVAL_MS = 3_600_000
/** Connections or devices that are judged in one step. */
const PAGE_ITEMS = 100
/** Connections that wait to be judged; beyond, they wait for the next pass. */
const MAX_WAITING = 10_000

interface Ports {
  readonly platform: Pick<TwinPlatform, 'hubSetup' | 'deviceTags'>
  readonly findings: FindingStore
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  readonly round: () => Round
  readonly changes: Serial
  readonly touched: (deviceId: string) => void
}

interface Connection {
  readonly ref: DeviceRef
  /** Absent: nothing is weak. */
  readonly weakTls?: WeakTls
}

/**
 * Judges how devices and modules secure their connections: each weak one as it opens, and a good one of
 * a device that had a weak one. Every hour all that are weak, and those whose time is over.
 */
export class TlsWatch {
  readonly #ports: Ports
  readonly #options: Options
  readonly #closing = new AbortController()
  /** Devices whose good connections matter. */
  readonly #weak = new Set<string>()
  /** By identity, the newest connection. */
  readonly #waiting = new Map<string, Connection>()
  #work: Promise<void> = Promise.resolve()
  #isWorking = false
  #loop: Promise<void> | undefined
  #unsubscribe = () => {}

  constructor(ports: Ports, options: Options) {
    this.#ports = ports
    this.#options = options
  }

  async start(): Promise<void> {
    const { hubSetup } = this.#ports.platform
    if (hubSetup === undefined) return
    for await (const page of this.#known()) for (const id of page) this.#weak.add(id)
    this.#unsubscribe = hubSetup.subscribe((notice) => this.#hear(notice))
    this.#loop ??= this.#watch()
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    this.#closing.abort()
    await Promise.all([this.#loop, this.#work])
  }

  #hear(notice: HubSetupNotice): void {
    if (notice.kind !== 'session-opened' || this.#closing.signal.aborted) return
    const { ref, weakTls } = notice
    const key = refKey(ref)
    const isNews = weakTls !== undefined || this.#weak.has(ref.deviceId) || this.#waiting.has(key)
    if (!isNews || (this.#waiting.size >= MAX_WAITING && !this.#waiting.has(key))) return
    this.#waiting.set(key, { ref, ...(weakTls && { weakTls }) })
    // So that a good connection that follows at once counts as well.
    if (weakTls) this.#weak.add(ref.deviceId)
    if (this.#isWorking) return
    this.#isWorking = true
    this.#work = this.#workOff().finally(() => {
      this.#isWorking = false
    })
  }

  async #workOff(): Promise<void> {
    // One turn of the event loop lets those who come at once gather.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.size > 0 && !this.#closing.signal.aborted) {
      const page = [...this.#waiting].slice(0, PAGE_ITEMS)
      for (const [key] of page) this.#waiting.delete(key)
      try {
        await this.#judge(page.map(([, connection]) => connection))
      } catch (error) {
        this.#ports.log.error({ err: error }, 'connections were not judged')
      }
    }
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await this.#pass(signal)
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'connections were not judged')
      }
      await clock.sleep(PASS_INTERVAL_MS, signal).catch(() => {})
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const connections = (await this.#ports.platform.hubSetup?.weakConnections()) ?? []
    for (let from = 0; from < connections.length; from += PAGE_ITEMS) {
      signal.throwIfAborted()
      await this.#judge(connections.slice(from, from + PAGE_ITEMS))
    }
    for await (const page of this.#known()) {
      signal.throwIfAborted()
      await this.#judge(page.map((deviceId) => ({ ref: { deviceId }, isOld: true })))
    }
  }

  /** Devices that have the recommendation, in pages. */
  async *#known(): AsyncGenerator<readonly string[]> {
    const { recommendationType } = weakTlsType
    for (const state of ['Active', 'Exempt'] as const) {
      for (let token: string | null | undefined; token !== null; ) {
        const { items, continuationToken } = await this.#ports.findings.listRecommendations({
          ...{ recommendationType, state, limit: PAGE_ITEMS },
          ...(token !== undefined && { continuationToken: token }),
        })
        token = continuationToken
        yield items.map(({ deviceId }) => deviceId)
      }
    }
  }

  /** @param connections  `isOld`: none, but time has passed */
  async #judge(connections: readonly (Connection & { readonly isOld?: true })[]): Promise<void> {
    const { findings, clock } = this.#ports
    const { changes, touched } = this.#options
    const changed = await changes.run(async () => {
      const round = this.#options.round()
      for (const { isOld, ...connection } of connections) {
        const { deviceId } = connection.ref
        if (connection.weakTls && !(await this.#isThere(deviceId))) continue
        const nowMs = clock.now()
        const before = weakIdentities(
          await round.find(recommendationId(weakTlsType.recommendationType, deviceId)),
        )
        const after = isOld ? before : noteConnection(before, connection, nowMs)
        const assessment = assessConnections(after, nowMs)
        await round.judgeNow(weakTlsType, assessment, { deviceId, timeMs: nowMs })
        if (assessment.isGood) this.#weak.delete(deviceId)
        else this.#weak.add(deviceId)
      }
      const recommendations = round.changed()
      if (recommendations.length > 0) await findings.commit({ recommendations })
      return recommendations
    })
    for (const { deviceId } of changed) touched(deviceId)
  }

  /** It may have been removed since it connected. */
  async #isThere(deviceId: string): Promise<boolean> {
    return (await this.#ports.platform.deviceTags(deviceId)) !== undefined
  }
}
