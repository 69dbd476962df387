import type { Clock } from '../../clock.ts'
import type { FindingStore } from '../../data/finding-store.ts'
import type { Log } from '../../log.ts'
import type { TwinPlatform } from '../../platform.ts'
import type { Serial } from '../../serial.ts'
import { HUB } from '../recommendation.ts'
import type { Round } from '../round.ts'
import { assessHub } from './assess-hub.ts'

/** How often the hub is looked at, since notices may be lost and what it observes grows. */
export const LOOK_INTERVAL_MS = 3_600_000

interface Ports {
  readonly platform: Pick<TwinPlatform, 'hubSetup'>
  readonly findings: FindingStore
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  readonly round: () => Round
  readonly changes: Serial
  readonly touched: (deviceId: string) => void
}

/** Judges how the hub itself is set up: at the start, every hour, and as soon as it says that it changed. */
export class HubSetupWatch {
  readonly #ports: Ports
  readonly #options: Options
  readonly #closing = new AbortController()
  #waker = new AbortController()
  #loop: Promise<void> | undefined
  #unsubscribe = () => {}

  constructor(ports: Ports, options: Options) {
    this.#ports = ports
    this.#options = options
  }

  start(): void {
    const { hubSetup } = this.#ports.platform
    if (hubSetup === undefined) return
    this.#unsubscribe = hubSetup.subscribe(({ kind }) => {
      if (kind === 'settings-changed') this.#waker.abort()
    })
    this.#loop ??= this.#watch()
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    this.#closing.abort()
    this.#waker.abort()
    await this.#loop
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#closing
    while (!signal.aborted) {
      // A change during the look has the hub looked at once more.
      this.#waker = new AbortController()
      try {
        await this.#look()
      } catch (error) {
        log.error({ err: error }, 'the settings of the hub were not judged')
      }
      if (!signal.aborted) await clock.sleep(LOOK_INTERVAL_MS, this.#waker.signal).catch(() => {})
    }
  }

  async #look(): Promise<void> {
    const { platform, findings, clock } = this.#ports
    const { changes, touched } = this.#options
    const settings = await platform.hubSetup?.settings()
    if (settings === undefined) return
    const isChanged = await changes.run(async () => {
      const round = this.#options.round()
      const snapshot = { deviceId: HUB, timeMs: clock.now() }
      for (const { type, assessment } of assessHub(settings)) {
        await round.judgeNow(type, assessment, snapshot)
      }
      const recommendations = round.changed()
      if (recommendations.length > 0) await findings.commit({ recommendations })
      return recommendations.length > 0
    })
    if (isChanged) touched(HUB)
  }
}
