import type { ConfigurationKeys } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { FindingStore } from '../data/finding-store.ts'
import type { Log } from '../log.ts'
import { pickLogicalModule } from '../modules/logical.ts'
import { describeModule, type ModuleDescription } from '../modules/state.ts'
import type { PlatformModule, TwinPlatform } from '../platform.ts'
import type { AgentState } from './agent-state.ts'
import { type PostureSummary, summarisePosture } from './summary.ts'
import type { PostureWriter } from './writer.ts'

/** Open alerts and recommendations that are read to summarise one device. */
const MAX_FINDINGS = 500
/** Devices whose posture waits to be computed; beyond, the oldest wait is given up and counted. */
const MAX_WAITING_DEVICES = 100_000
/**
 * How often every device is looked at anew, because time alone changes a posture: silence, age of
 * alerts, the grace for applying a configuration.
 */
export const SWEEP_INTERVAL_MS = 5 * 60_000
/** Devices that are looked at between two pauses of a sweep. */
const SWEEP_PAGE_DEVICES = 100
const SWEEP_PAUSE_MS = 200
/** Between two passes through the devices that wait. */
const PASS_PAUSE_MS = 100

/** What is known about the security of one device, at one moment. */
export interface DevicePosture {
  readonly modules: readonly PlatformModule[]
  readonly module: PlatformModule
  readonly description: ModuleDescription
  readonly agent: AgentState | undefined
  readonly summary: PostureSummary
}

interface Ports {
  readonly platform: TwinPlatform
  readonly findings: FindingStore
  readonly writer: PostureWriter
  readonly clock: Clock
  readonly log: Log
}

/** How modules of this server are named and configured. */
export interface ModuleNaming {
  readonly securityModuleId: string
  readonly keys: ConfigurationKeys
}

/** Computes a device's posture from what is stored, and keeps it in its security module twin. */
export class PostureKeeper {
  readonly #ports: Ports
  readonly #naming: ModuleNaming
  /** Devices whose posture may have changed, in order; a device waits once. */
  readonly #waiting = new Set<string>()
  readonly #closing = new AbortController()
  #work: Promise<void> | undefined
  #sweeps: Promise<void> | undefined

  constructor(ports: Ports, naming: ModuleNaming) {
    this.#ports = ports
    this.#naming = naming
  }

  /** The posture now, or `undefined` when the device has no security module or does not exist. */
  async compute(deviceId: string): Promise<DevicePosture | undefined> {
    const { platform, findings, clock } = this.#ports
    const modules = await platform.listModules(deviceId)
    const module = modules && pickLogicalModule(modules, this.#naming.securityModuleId)
    if (modules === undefined || module === undefined) return undefined
    const [agent, alerts, recommendations] = await Promise.all([
      findings.findAgent(deviceId),
      findings.openAlerts(deviceId, MAX_FINDINGS),
      findings.listRecommendations({ deviceId, state: 'Active', limit: MAX_FINDINGS }),
    ])
    const nowMs = clock.now()
    const description = describeModule(module, agent, nowMs, this.#naming.keys)
    const summary = summarisePosture(
      { alerts, recommendations: recommendations.items, agent, module: description },
      nowMs,
    )
    return { modules, module, description, agent, summary }
  }

  /** Something about the device changed: its posture is computed and written soon. */
  touch(deviceId: string): void {
    if (this.#closing.signal.aborted) return
    if (this.#waiting.size >= MAX_WAITING_DEVICES && !this.#waiting.has(deviceId)) {
      const [oldest = ''] = this.#waiting
      this.#waiting.delete(oldest)
      this.#ports.log.warn({ deviceId: oldest }, 'too many postures wait; this one is skipped')
    }
    this.#waiting.add(deviceId)
    this.#work ??= this.#run().finally(() => {
      this.#work = undefined
    })
  }

  /** Begins to look at every device now and then. */
  start(): void {
    this.#sweeps ??= this.#sweepForever()
  }

  async #sweepForever(): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await clock.sleep(SWEEP_INTERVAL_MS, signal)
        await this.#sweep()
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'postures could not be looked at anew')
      }
    }
  }

  async #sweep(): Promise<void> {
    const { platform, clock } = this.#ports
    let after: string | undefined
    do {
      const page = await platform.listDevices(SWEEP_PAGE_DEVICES, after)
      for (const deviceId of page) this.touch(deviceId)
      after = page.at(-1)
      await this.#work
      await clock.sleep(SWEEP_PAUSE_MS, this.#closing.signal)
    } while (after !== undefined)
  }

  /** Writes what waits, then stops. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#sweeps
    await this.#work
    await this.#ports.writer.close()
  }

  /** Goes through the waiting devices, pass by pass, so that a busy one is computed once a pass. */
  async #run(): Promise<void> {
    const { clock } = this.#ports
    do {
      // One turn of the event loop lets the touches of a batch gather.
      await new Promise((resolve) => setImmediate(resolve))
      const devices = [...this.#waiting]
      this.#waiting.clear()
      for (const deviceId of devices) await this.#refresh(deviceId)
      await clock.sleep(PASS_PAUSE_MS, this.#closing.signal).catch(() => {})
    } while (this.#waiting.size > 0)
  }

  async #refresh(deviceId: string): Promise<void> {
    try {
      const posture = await this.compute(deviceId)
      if (posture) await this.#ports.writer.submit(posture.module.ref, posture.summary)
    } catch (error) {
      this.#ports.log.error({ err: error, deviceId }, 'the posture could not be computed')
    }
  }
}
