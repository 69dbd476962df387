import type { Page } from '../data/finding-store.ts'

/** Days that are kept, of devices, groups and the fleet. */
export const MAX_HISTORY_DAYS = 400

/** The worst severity of what is open on a device; `none` when nothing above Informational is. */
export type WorstFinding = 'High' | 'Medium' | 'Low' | 'none'

/** What is known of one device's score. */
export interface DeviceScore {
  readonly deviceId: string
  /** 0 to 100. */
  readonly score: number
  /** The security group, in lower case. */
  readonly group: string
  /** What it weighs in the score of its group and of the fleet. */
  readonly weight: number
  readonly worst: WorstFinding
}

/** Devices together: those of a group, or the fleet. */
export interface ScoreTotals {
  readonly devices: number
  /** The mean by weight, not rounded; `null` without devices. */
  readonly score: number | null
  /** Devices by the worst that is open on them. */
  readonly high: number
  readonly medium: number
  readonly low: number
}

export interface GroupScore extends ScoreTotals {
  readonly group: string
}

/** The last that was known on a day on which it changed; `day` counts from the epoch, in UTC. */
export type ScoreDay = ScoreTotals & { readonly day: number }

/**
 * Scores now and by day. Totals are kept with each change, not counted anew; they and the history are
 * what they were after a restart. Adapters: `adapters/memory`, `adapters/sqlite`; each passes
 * `test/contracts/posture-history.ts`. A promise resolves once the change would survive a crash.
 */
export interface PostureHistoryStore {
  find(deviceId: string): Promise<DeviceScore | undefined>
  /** From this day on; days older than `MAX_HISTORY_DAYS` before it go. */
  record(score: DeviceScore, day: number): Promise<void>
  /** The device counts no more, and its history goes; that of its group and the fleet stays. */
  remove(deviceId: string, day: number): Promise<void>
  /** Of the fleet, or of one group. */
  totals(group?: string): Promise<ScoreTotals>
  /** Groups with devices, by name (code units). @throws as lists of `FindingStore` */
  groups(filter: {
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<GroupScore>>
  /**
   * Days on which something changed, oldest first: those from `fromDay` on, and the last one before,
   * from which the first of them begins.
   */
  days(group: string | undefined, fromDay: number): Promise<readonly ScoreDay[]>
  /** As `days`, of one device. */
  deviceDays(
    deviceId: string,
    fromDay: number,
  ): Promise<readonly { readonly day: number; readonly score: number }[]>
}
