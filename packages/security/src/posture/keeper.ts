import type { ConfigurationKeys } from '@twinward/protocol'
import { sumResults } from '../baseline/counts.ts'
import type { Clock } from '../clock.ts'
import type { FindingStore } from '../data/finding-store.ts'
import type { Alert } from '../detection/alert.ts'
import type { GroupLookup } from '../groups/group-lookup.ts'
import type { Log } from '../log.ts'
import { nextDueMs } from '../modules/due.ts'
import { pickLogicalModule } from '../modules/logical.ts'
import type { DuePlace, ModuleStore } from '../modules/module-store.ts'
import type { ModuleRecord } from '../modules/record.ts'
import type { ModuleRecords } from '../modules/records.ts'
import { describeModule, type ModuleDescription, SILENCE_LIMIT_MS } from '../modules/state.ts'
import type { Suspensions } from '../modules/suspensions.ts'
import type { PlatformModule, TwinPlatform } from '../platform.ts'
import type { SeenDevice } from '../recommendations/device-state.ts'
import type { Recommendation } from '../recommendations/recommendation.ts'
import type { AgentState } from './agent-state.ts'
import { tagsOfModules } from './module-tags.ts'
import type { BaselineResult } from './score.ts'
import { type PostureSummary, summarisePosture } from './summary.ts'
import type { PostureWriter } from './writer.ts'

/** Open alerts and recommendations that are read to summarise one device. */
const MAX_FINDINGS = 500
/** Devices whose posture waits to be computed; beyond, the oldest wait is given up and counted. */
const MAX_WAITING_DEVICES = 100_000
/**
 * How often devices are looked for whose posture time alone may have changed: silence, age of alerts,
 * the grace for applying a configuration, the end of a suspension.
 */
export const DUE_INTERVAL_MS = 60_000
/** Devices that a keeper still looks at when it is to close; the next one looks at the others. */
const MAX_CLOSING_DEVICES = 1_000
/** Due devices that are looked at between two pauses. */
const DUE_PAGE_DEVICES = 100
const DUE_PAUSE_MS = 200
/** Between two passes through the devices that wait. */
const PASS_PAUSE_MS = 100

/** What is known about the security of one device, at one moment. */
export interface DevicePosture {
  readonly modules: readonly PlatformModule[]
  readonly module: PlatformModule
  readonly description: ModuleDescription
  readonly agent: AgentState | undefined
  /** The security group, in lower case. */
  readonly group: string
  /** Those that are open. */
  readonly alerts: readonly Alert[]
  /** Those that are active. */
  readonly recommendations: readonly Recommendation[]
  readonly baseline?: BaselineResult
  readonly summary: PostureSummary
  /** Time alone may change it from then on, not earlier, ms since the epoch; 0 = never. */
  readonly dueMs: number
}

interface Ports {
  readonly platform: TwinPlatform
  readonly findings: FindingStore
  readonly writer: PostureWriter
  readonly modules: ModuleStore
  readonly records: ModuleRecords
  readonly suspensions: Suspensions
  readonly groups: Pick<GroupLookup, 'groupOf'>
  /** Told of every look, before its posture is written; `undefined`: no security module, or no device. */
  readonly noted?: (deviceId: string, posture: DevicePosture | undefined) => Promise<void>
  /** Told of every look at a device that there is. */
  readonly seen?: (device: SeenDevice) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** How modules of this server are named and configured. */
export interface ModuleNaming {
  readonly securityModuleId: string
  readonly keys: ConfigurationKeys
  /** Default `SILENCE_LIMIT_MS`. */
  readonly silentAfterMs?: number
}

/** Computes a device's posture from what is stored, and keeps it in its security module twin. */
export class PostureKeeper {
  readonly #ports: Ports
  readonly #naming: ModuleNaming
  /** Devices whose posture may have changed, in order; a device waits once. */
  readonly #waiting = new Set<string>()
  /** Who waits until the devices that wait now have been looked at. */
  readonly #settling: (() => void)[] = []
  readonly #closing = new AbortController()
  /** Whether each device that was touched has been looked at, or will be. */
  #isWhole = true
  #work: Promise<void> | undefined
  #watch: Promise<void> | undefined

  constructor(ports: Ports, naming: ModuleNaming) {
    this.#ports = ports
    this.#naming = naming
  }

  /** The posture now, or `undefined` when the device has no security module or does not exist. */
  async compute(deviceId: string): Promise<DevicePosture | undefined> {
    const modules = await this.#ports.platform.listModules(deviceId)
    return modules && this.#describe(deviceId, modules)
  }

  async #describe(
    deviceId: string,
    modules: readonly PlatformModule[],
  ): Promise<DevicePosture | undefined> {
    const { findings, groups, clock } = this.#ports
    const { securityModuleId, keys, silentAfterMs = SILENCE_LIMIT_MS } = this.#naming
    const module = pickLogicalModule(modules, securityModuleId)
    if (module === undefined) return undefined
    const [agent, alerts, recommendations, baselines, group] = await Promise.all([
      findings.findAgent(deviceId),
      findings.openAlerts(deviceId, MAX_FINDINGS),
      findings.listRecommendations({ deviceId, state: 'Active', limit: MAX_FINDINGS }),
      findings.baselines.results(deviceId),
      groups.groupOf(deviceId),
    ])
    const baseline = sumResults(baselines.map(({ result }) => result))
    const nowMs = clock.now()
    const description = describeModule(module, agent, nowMs, { keys, silentAfterMs })
    const findingsOf = { alerts, recommendations: recommendations.items }
    const summary = summarisePosture(
      { ...findingsOf, agent, module: description, group, ...(baseline && { baseline }) },
      nowMs,
    )
    const known = { modules, module, description, agent, group }
    const baselineMs = baseline?.evaluatedMs ?? 0
    const dueMs = nextDueMs({ ...known, alerts, silentAfterMs, baselineMs }, nowMs)
    return { ...known, ...findingsOf, ...(baseline && { baseline }), summary, dueMs }
  }

  /** Something about the device changed: its posture is computed and written soon. */
  touch(deviceId: string): void {
    if (this.#closing.signal.aborted) return
    if (this.#waiting.size >= MAX_WAITING_DEVICES && !this.#waiting.has(deviceId)) {
      const [oldest = ''] = this.#waiting
      this.#waiting.delete(oldest)
      this.#isWhole = false
      this.#ports.log.warn({ deviceId: oldest }, 'too many postures wait; this one is skipped')
    }
    this.#waiting.add(deviceId)
    this.#begin()
  }

  #begin(): void {
    this.#work ??= this.#run().finally(() => {
      this.#work = undefined
      // Somebody may have come in the moment in which it ended.
      if (this.#waiting.size > 0 || this.#settling.length > 0) this.#begin()
    })
  }

  /** Resolves when what was touched before has been looked at. */
  async settled(): Promise<void> {
    if (this.#work) await new Promise<void>((resolve) => this.#settling.push(resolve))
  }

  /** Begins to look at devices when their time has come. */
  start(): void {
    this.#watch ??= this.#watchDue()
  }

  async #watchDue(): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#closing
    await this.#makeGood(signal)
    while (!signal.aborted) {
      try {
        await clock.sleep(DUE_INTERVAL_MS, signal)
        await this.#lookAtDue(signal)
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'postures could not be looked at anew')
      }
    }
  }

  /** What the run before did not get to write is nowhere noted, so every device is looked at. */
  async #makeGood(signal: AbortSignal): Promise<void> {
    const { modules, clock, log } = this.#ports
    try {
      if (await modules.beginRun()) return
      this.#isWhole = false
      for (let after: string | undefined; ; ) {
        const page = await modules.deviceIds(DUE_PAGE_DEVICES, after)
        for (const deviceId of page) this.touch(deviceId)
        await this.settled()
        after = page.at(-1)
        if (page.length < DUE_PAGE_DEVICES) break
        await clock.sleep(DUE_PAUSE_MS, signal)
      }
      this.#isWhole = true
    } catch (error) {
      this.#isWhole = false
      if (!signal.aborted) log.error({ err: error }, 'postures could not be looked at anew')
    }
  }

  /** Each that is due now once; who stays due, because a look failed, waits for the next time. */
  async #lookAtDue(signal: AbortSignal): Promise<void> {
    const { modules, clock } = this.#ports
    const nowMs = clock.now()
    for (let after: DuePlace | undefined; ; ) {
      const page = await modules.due(nowMs, DUE_PAGE_DEVICES, after)
      for (const { deviceId } of page) this.touch(deviceId)
      await this.settled()
      after = page.at(-1)
      if (page.length < DUE_PAGE_DEVICES) return
      await clock.sleep(DUE_PAUSE_MS, signal)
    }
  }

  /** Writes what waits, within reason, then stops. */
  async close(): Promise<void> {
    this.#closing.abort()
    const waiting = [...this.#waiting]
    for (const deviceId of waiting.slice(MAX_CLOSING_DEVICES)) {
      this.#waiting.delete(deviceId)
      this.#isWhole = false
    }
    await this.#watch
    await this.#work
    await this.#ports.writer.close()
    if (this.#watch && this.#isWhole) await this.#ports.modules.endRun()
  }

  /** Goes through the waiting devices, pass by pass, so that a busy one is computed once a pass. */
  async #run(): Promise<void> {
    const { clock } = this.#ports
    do {
      // One turn of the event loop lets the touches of a batch gather.
      await new Promise((resolve) => setImmediate(resolve))
      const devices = [...this.#waiting]
      const settling = this.#settling.splice(0)
      this.#waiting.clear()
      for (const deviceId of devices) await this.#tryLook(deviceId)
      for (const settled of settling) settled()
      await clock.sleep(PASS_PAUSE_MS, this.#closing.signal).catch(() => {})
    } while (this.#waiting.size > 0 || this.#settling.length > 0)
  }

  async #tryLook(deviceId: string): Promise<void> {
    try {
      await this.look(deviceId)
    } catch (error) {
      this.#isWhole = false
      this.#ports.log.error({ err: error, deviceId }, 'the posture could not be computed')
    }
  }

  /** Computes a device's posture now, notes its state and has its twin written. */
  async look(deviceId: string): Promise<void> {
    const { records, suspensions, writer } = this.#ports
    const seen = await records.inTurn(deviceId, async () => {
      const first = await this.#note(deviceId)
      if (first?.posture === undefined) return first
      const { record, posture } = first
      return (await suspensions.follow(record, posture.module)) ? this.#note(deviceId) : first
    })
    await this.#ports.noted?.(deviceId, seen?.posture)
    if (!seen) return
    const { record, posture, modules } = seen
    const written = posture ? tagsOfModules(posture, this.#naming) : []
    for (const [ref, tags] of written) await writer.submit(ref, tags)
    await this.#ports.seen?.(seenDevice(record, posture, modules))
  }

  async #note(deviceId: string) {
    const { platform, records } = this.#ports
    const modules = await platform.listModules(deviceId)
    if (modules === undefined) {
      await records.gone(deviceId)
      return undefined
    }
    const posture = await this.#describe(deviceId, modules)
    const moduleIds = modules.map(({ ref }) => ref.moduleId)
    const record = await records.note({
      ...{ deviceId, moduleIds, state: posture?.description.state ?? 'absent' },
      ...(posture && { module: posture.module }),
      dueMs: posture?.dueMs ?? 0,
    })
    return { record, posture, modules }
  }
}

function seenDevice(
  { deviceId, state, sinceMs }: ModuleRecord,
  posture: DevicePosture | undefined,
  modules: readonly PlatformModule[],
): SeenDevice {
  if (posture === undefined) return { deviceId, state, sinceMs, modules }
  const { module, description, agent } = posture
  const { configuration } = description
  return { deviceId, state, sinceMs, modules, module, configuration, ...(agent && { agent }) }
}
