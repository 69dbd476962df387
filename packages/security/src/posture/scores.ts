import type { Clock } from '../clock.ts'
import type { Severity } from '../detection/alert.ts'
import { securityGroupOf } from '../modules/security-group.ts'
import type { TwinPlatform } from '../platform.ts'
import type {
  DeviceScore,
  GroupScore,
  PostureHistoryStore,
  ScoreTotals,
  WorstFinding,
} from './history-store.ts'
import type { DevicePosture } from './keeper.ts'
import { isOpenAlert } from './score.ts'

const DAY_MS = 24 * 3_600_000
/** The tag of a device's own twin that says how much it matters; anything but `Important` is Standard. */
export const CRITICALITY_TAG = 'deviceCriticality'
/** What a device weighs in the score of its group and of the fleet. */
export const CRITICALITY_WEIGHTS = { Important: 3, Standard: 1 } as const

interface Ports {
  readonly platform: TwinPlatform
  readonly history: PostureHistoryStore
  readonly clock: Clock
}

/** A score at the end of a day; of today: now. */
export interface ScorePoint {
  /** `2026-01-31`, in UTC. */
  readonly date: string
  /** Whole; `null` without devices. */
  readonly score: number | null
}

export interface FleetPoint extends ScorePoint {
  readonly devices: number
  readonly high: number
  readonly medium: number
  readonly low: number
}

/** Scores of devices, groups and the fleet, now and by day. */
export class Scores {
  readonly #ports: Ports

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /**
   * A device was looked at. Whoever has no score, and whoever was retired, counts nowhere. Writes only
   * what changed.
   */
  async note(deviceId: string, posture: DevicePosture | undefined): Promise<void> {
    const { platform, history, clock } = this.#ports
    const known = await history.find(deviceId)
    const day = dayOf(clock.now())
    if (posture === undefined || posture.description.state === 'retired') {
      if (known) await history.remove(deviceId, day)
      return
    }
    const tags = (await platform.deviceTags(deviceId)) ?? {}
    const isImportant = tags[CRITICALITY_TAG] === 'Important'
    const score: DeviceScore = {
      deviceId,
      score: Number(posture.summary.posture.score),
      group: securityGroupOf(tags, posture.module.tags),
      weight: CRITICALITY_WEIGHTS[isImportant ? 'Important' : 'Standard'],
      worst: worstOf(posture),
    }
    if (!known || !isSame(known, score)) await history.record(score, day)
  }

  /** The device is gone. */
  async forget(deviceId: string): Promise<void> {
    const { history, clock } = this.#ports
    if (await history.find(deviceId)) await history.remove(deviceId, dayOf(clock.now()))
  }

  find(deviceId: string): Promise<DeviceScore | undefined> {
    return this.#ports.history.find(deviceId)
  }

  /** Of the fleet, or of a group (lower case). */
  totals(group?: string): Promise<ScoreTotals> {
    return this.#ports.history.totals(group)
  }

  groups(filter: Parameters<PostureHistoryStore['groups']>[0]) {
    return this.#ports.history.groups(filter)
  }

  /** The last `days` days, today included, oldest first; days before anything was known are left out. */
  async history(group: string | undefined, days: number): Promise<readonly FleetPoint[]> {
    const today = dayOf(this.#ports.clock.now())
    const known = await this.#ports.history.days(group, today - days + 1)
    return eachDay(known, today - days + 1, today).map(({ day, value }) => {
      const { devices, high, medium, low } = value
      return { ...{ date: dateOf(day), score: wholeScore(value), devices }, high, medium, low }
    })
  }

  /** As `history`, of one device. */
  async deviceHistory(deviceId: string, days: number): Promise<readonly ScorePoint[]> {
    const today = dayOf(this.#ports.clock.now())
    const known = await this.#ports.history.deviceDays(deviceId, today - days + 1)
    return eachDay(known, today - days + 1, today).map(({ day, value }) => ({
      date: dateOf(day),
      score: value.score,
    }))
  }
}

/** The mean as it is shown. */
export function wholeScore({ score }: Pick<GroupScore, 'score'>): number | null {
  return score === null ? null : Math.round(score)
}

/** Fills the days on which nothing changed with what the day before ended with. */
function eachDay<T extends { readonly day: number }>(
  known: readonly T[],
  fromDay: number,
  toDay: number,
): readonly { readonly day: number; readonly value: T }[] {
  const filled: { day: number; value: T }[] = []
  let next = 0
  let last: T | undefined
  for (let day = fromDay; day <= toDay; day++) {
    for (let one = known[next]; one !== undefined && one.day <= day; one = known[next]) {
      last = one
      next++
    }
    if (last !== undefined) filled.push({ day, value: last })
  }
  return filled
}

function worstOf({ alerts, recommendations }: DevicePosture): WorstFinding {
  const open: readonly { readonly severity: Severity }[] = [
    ...alerts.filter(isOpenAlert),
    ...recommendations,
  ]
  const severities = new Set(open.map(({ severity }) => severity))
  return (['High', 'Medium', 'Low'] as const).find((each) => severities.has(each)) ?? 'none'
}

function isSame(a: DeviceScore, b: DeviceScore): boolean {
  return a.score === b.score && a.group === b.group && a.weight === b.weight && a.worst === b.worst
}

function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS)
}

function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}
