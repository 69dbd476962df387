import type { Clock } from '../clock.ts'
import type { FindingStore } from '../data/finding-store.ts'
import type { GroupLookup } from '../groups/group-lookup.ts'
import type { Log } from '../log.ts'
import type { TwinPlatform } from '../platform.ts'
import type { Serial } from '../serial.ts'
import { notesIn } from './assessor.ts'
import { type DeviceModules, findMinorities, inconsistentType } from './module-settings.ts'
import type { Assessment } from './recommendation.ts'
import type { Round } from './round.ts'

/** How often edge devices are compared. */
export const COMPARE_INTERVAL_MS = 3_600_000
/** Edge devices that are compared; beyond, the others are left out. */
const MAX_EDGE_DEVICES = 20_000
/** Devices whose findings are judged in one step. */
const PAGE_DEVICES = 100

interface Ports {
  readonly platform: TwinPlatform
  readonly findings: FindingStore
  readonly groups: Pick<GroupLookup, 'groupOf'>
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  readonly round: () => Round
  readonly changes: Serial
  readonly touched: (deviceId: string) => void
}

/** Compares what edge devices of a group run, by the hashes that were noted as each was looked at. */
export class ModuleSettingsWatch {
  readonly #ports: Ports
  readonly #options: Options
  readonly #closing = new AbortController()
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
        await clock.sleep(COMPARE_INTERVAL_MS, signal)
        await this.compare()
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'edge devices were not compared')
      }
    }
  }

  /** Compares all now. */
  async compare(): Promise<void> {
    const devices = await this.#read()
    const minorities = findMinorities(devices)
    const known = await this.#known()
    const asked = new Set([...minorities.keys(), ...known])
    const ids = [...asked]
    for (let from = 0; from < ids.length; from += PAGE_DEVICES) {
      this.#closing.signal.throwIfAborted()
      await this.#judge(ids.slice(from, from + PAGE_DEVICES), minorities)
    }
  }

  async #read(): Promise<readonly DeviceModules[]> {
    const { platform, findings, groups } = this.#ports
    const devices: DeviceModules[] = []
    for (let after: string | undefined; ; ) {
      const { marks, next } = await platform.listModuleMarks(['$edgeAgent'], after)
      for (const { ref } of marks) {
        const { deviceId } = ref
        const { edgeModules } = notesIn(await findings.findMemory(deviceId))
        devices.push({ deviceId, group: await groups.groupOf(deviceId), hashes: edgeModules })
      }
      if (next === undefined || devices.length >= MAX_EDGE_DEVICES) return devices
      after = next
      this.#closing.signal.throwIfAborted()
    }
  }

  /** Devices that have the recommendation already. */
  async #known(): Promise<readonly string[]> {
    const { recommendationType } = inconsistentType
    const ids: string[] = []
    for (const state of ['Active', 'Exempt'] as const) {
      for (let token: string | null | undefined; token !== null; ) {
        const page = await this.#ports.findings.listRecommendations({
          ...{ recommendationType, state, limit: PAGE_DEVICES },
          ...(token !== undefined && { continuationToken: token }),
        })
        ids.push(...page.items.map(({ deviceId }) => deviceId))
        token = page.continuationToken
      }
    }
    return ids
  }

  async #judge(
    deviceIds: readonly string[],
    minorities: ReadonlyMap<string, readonly string[]>,
  ): Promise<void> {
    const { findings, clock } = this.#ports
    const { changes, round: begin, touched } = this.#options
    const changed = await changes.run(async () => {
      const round = begin()
      for (const deviceId of deviceIds) {
        const assessment = assessModules(minorities.get(deviceId))
        await round.judgeNow(inconsistentType, assessment, { deviceId, timeMs: clock.now() })
      }
      const recommendations = round.changed()
      if (recommendations.length > 0) await findings.commit({ recommendations })
      return recommendations
    })
    for (const { deviceId } of changed) touched(deviceId)
  }
}

function assessModules(modules: readonly string[] | undefined): Assessment {
  if (modules === undefined) return { isGood: true }
  return { isGood: false, additionalData: { Modules: JSON.stringify([...modules].sort()) } }
}
