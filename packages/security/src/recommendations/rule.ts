import type { DisabledChecks } from '../baseline/disabled-checks.ts'
import type { GroupSettings } from '../groups/group-settings.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import type { DeviceNotes } from './notes.ts'
import type { Assessment, Recommendation, RecommendationType } from './recommendation.ts'

/** One recommendation: one file, listed once in `index.ts`. Pure. */
export interface RecommendationRule {
  readonly type: RecommendationType
  /** Which records it wants to see: complete snapshots, so that an empty one says something. */
  readonly kinds: readonly SecurityRecord['kind'][]
  /**
   * `undefined`: the record says nothing about this.
   *
   * @param group  what the device's security group says
   * @param notes  what is kept of the device, this record included
   */
  evaluate(record: SecurityRecord, group: GroupSettings, notes: DeviceNotes): Assessment | undefined
  /** The record comes by no clock, so its absence says nothing. */
  readonly isOccasional?: true
}

/** A verdict of a family on one of its types. */
export interface Verdict {
  readonly type: RecommendationType
  readonly assessment: Assessment
}

/**
 * Recommendations whose types are made of what a snapshot holds, such as one for each check that
 * fails. One switch is for all of them. Pure.
 */
export interface RecommendationFamily {
  /** Its name for switches and lists; texts are those of every member unless it says more. */
  readonly type: RecommendationType
  /** What the types of its members begin with. */
  readonly prefix: string
  wants(record: SecurityRecord): boolean
  /**
   * @param known  members that the device has and that are not resolved
   * @param off  what its agent is told not to check
   */
  evaluateAll(
    record: SecurityRecord,
    known: readonly Recommendation[],
    off: DisabledChecks,
  ): readonly Verdict[]
}
