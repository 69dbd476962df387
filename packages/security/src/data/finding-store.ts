import type { JsonObject } from '@twinward/protocol'
import type { ActivityChanges, ActivityReader } from '../activity/activity-state.ts'
import type { DeviceBaseline } from '../baseline/baseline.ts'
import type { BaselineKey, BaselineStore, RepeatedBaseline } from '../baseline/baseline-store.ts'
import type { Alert, AlertStatus, Severity } from '../detection/alert.ts'
import type { FindingChange } from '../findings/finding-change.ts'
import type { Rejection } from '../ingestion/record.ts'
import type { DuePlace } from '../modules/module-store.ts'
import type { AgentState } from '../posture/agent-state.ts'
import type { Recommendation, RecommendationState } from '../recommendations/recommendation.ts'
import type { AlertDayReader } from './alert-days.ts'
import type { HeldBack, LearnedValue, NoiseReader } from './noise.ts'

/** What rules remember about a device between messages: small JSON values by name. */
export interface DeviceMemory {
  readonly deviceId: string
  readonly values: JsonObject
}

/** Everything that one step of the pipeline decided: committed together or not at all. */
export interface FindingBatch {
  /** The sequence of the last message that this batch accounts for. */
  readonly cursor?: number
  readonly alerts?: readonly Alert[]
  readonly recommendations?: readonly Recommendation[]
  readonly agents?: readonly AgentState[]
  readonly memories?: readonly DeviceMemory[]
  readonly rejections?: readonly Rejection[]
  /** Added to what was held back before. */
  readonly heldBack?: readonly HeldBack[]
  readonly learned?: readonly LearnedValue[]
  /** Each takes the place of the one before of its device and benchmark. */
  readonly baselines?: readonly DeviceBaseline[]
  readonly removedBaselines?: readonly BaselineKey[]
  /** Baselines that came out as before; those that are not known are passed over. */
  readonly repeatedBaselines?: readonly RepeatedBaseline[]
  /** What was counted at the hub, and how far its events are accounted for. */
  readonly activity?: ActivityChanges
}

/** A place among the agents in the order of their last messages. */
export interface AgentPlace {
  readonly lastMessageMs: number
  readonly deviceId: string
}

export interface AlertFilter {
  readonly deviceId?: string
  readonly alertType?: string
  readonly status?: AlertStatus
  readonly severity?: Severity
  /** End time, inclusive. */
  readonly fromMs?: number
  /** Start time, exclusive. */
  readonly toMs?: number
  /** Start time, inclusive. */
  readonly startedFromMs?: number
  readonly limit: number
  readonly continuationToken?: string
}

export interface RecommendationFilter {
  readonly deviceId?: string
  readonly recommendationType?: string
  readonly state?: RecommendationState
  readonly severity?: Severity
  readonly limit: number
  readonly continuationToken?: string
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly continuationToken: string | null
}

export interface StoredRejection extends Rejection {
  readonly id: number
}

/**
 * Alerts, recommendations, what is known of agents, rules' memory, refused messages and the pipeline's
 * cursor. Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/finding-store.ts`.
 * A promise resolves once the change would survive a crash. Lists throw `HubError` `ArgumentInvalid`
 * for a limit that is not 1 to `MAX_PAGE_ITEMS`, or a token that is not of this list; a page may hold
 * less than its limit when its items are long, and goes on while there is a token.
 */
export interface FindingStore {
  readonly activity: ActivityReader
  /** What was held back, and what was learned from it. */
  readonly noise: NoiseReader
  /** Counts of alerts by the day on which they began. */
  readonly days: AlertDayReader
  /** The newest baselines of all devices. */
  readonly baselines: BaselineStore
  /** The sequence up to which every message is accounted for; 0 when new. */
  cursor(): Promise<number>
  /** Upserts by id (alerts, recommendations), device (agents, memories); appends rejections. One transaction. */
  commit(batch: FindingBatch): Promise<void>

  findAlert(id: string): Promise<Alert | undefined>
  /** The newest alert with this key, whatever its status. */
  findAlertByKey(dedupeKey: string): Promise<Alert | undefined>
  /** Newest `endTimeMs` first, then by id. */
  listAlerts(filter: AlertFilter): Promise<Page<Alert>>
  /** Alerts that are Active or InProgress, newest first, at most `limit`. */
  openAlerts(deviceId: string, limit: number): Promise<readonly Alert[]>

  findRecommendation(id: string): Promise<Recommendation | undefined>
  /** Newest `stateChangedMs` first, then by id. */
  listRecommendations(filter: RecommendationFilter): Promise<Page<Recommendation>>

  findAgent(deviceId: string): Promise<AgentState | undefined>
  /**
   * Agents by the time of their last message: those after the place and up to `throughMs`, at most
   * `limit`; the longest silent first, then by device.
   */
  agentsByLastMessage(filter: {
    readonly after: AgentPlace
    readonly throughMs: number
    readonly limit: number
  }): Promise<readonly AgentState[]>
  findMemory(deviceId: string): Promise<DeviceMemory | undefined>
  /**
   * Devices whose recommendations time alone may have changed by `nowMs` (`dueMs` of the memory's
   * `recommendations`), the longest waiting first, then by device, after `after`; at most `limit`.
   */
  dueMemories(nowMs: number, limit: number, after?: DuePlace): Promise<readonly DuePlace[]>
  /** How many recommendations of each type, state and severity there are; kept, not counted anew. */
  recommendationCounts(): Promise<readonly RecommendationCount[]>

  /**
   * The last that was committed first. Kept are `MAX_REJECTIONS_PER_DEVICE` and `MAX_REJECTIONS`; the
   * oldest are dropped by the commit that exceeds them.
   */
  listRejections(filter: {
    deviceId?: string
    limit: number
    continuationToken?: string
  }): Promise<Page<StoredRejection>>

  /** Counts for fleet views: open alerts and active recommendations by severity, devices with alerts. */
  summary(): Promise<FindingSummary>
  /** What there is the most of, at most `limit` of each kind. Kept, not counted anew. */
  prevalence(limit: number): Promise<Prevalence>

  /**
   * The feed of changed findings: those after `sequence`, oldest first, at most `limit` and about
   * `MAX_PAGE_CHARACTERS` of them. Each commit appends what it changes in the findings themselves, in
   * the same transaction; a finding that is stored as it was before is no change. Sequences are
   * without gaps: where the first is not `sequence + 1`, the ones between were dropped, since the feed
   * keeps the newest `MAX_CHANGES` and `MAX_CHANGE_CHARACTERS`.
   */
  changesAfter(sequence: number, limit: number): Promise<readonly FindingChange[]>
  /** The sequence of the newest change; 0 when there never was one. */
  lastChange(): Promise<number>

  /**
   * Removes alerts that are Resolved or Dismissed and ended before `beforeMs`, the oldest first, at
   * most `limit`; open ones stay for ever. @returns how many
   */
  expireAlerts(beforeMs: number, limit: number): Promise<number>
  /**
   * Removes recommendations of devices that were removed before `beforeMs` (`deviceRemovedMs`), the
   * oldest first, at most `limit`. @returns how many
   */
  expireRecommendations(beforeMs: number, limit: number): Promise<number>
  /**
   * Forgets everything about a device, except its changes, since who is to be told of them still is,
   * and except findings with `deviceRemovedMs`.
   */
  removeDevice(deviceId: string): Promise<void>
  close(): Promise<void>
}

export interface RecommendationCount {
  readonly recommendationType: string
  readonly state: RecommendationState
  readonly severity: Severity
  readonly count: number
}

/** Each list has the most frequent first, then by name. */
export interface Prevalence {
  /** By their open alerts. */
  readonly devices: readonly { readonly deviceId: string; readonly alerts: number }[]
  readonly alerts: readonly {
    readonly alertType: string
    readonly severity: Severity
    readonly alerts: number
  }[]
  readonly recommendations: readonly {
    readonly recommendationType: string
    readonly severity: Severity
    readonly devices: number
  }[]
}

export interface FindingSummary {
  readonly openAlerts: { readonly [severity in Severity]: number }
  readonly activeRecommendations: { readonly [severity in Severity]: number }
  readonly devicesWithOpenAlerts: number
}
