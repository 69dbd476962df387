import type { JsonObject } from '@twinward/protocol'
import type { Alert, AlertStatus, Severity } from '../detection/alert.ts'
import type { Rejection } from '../ingestion/record.ts'
import type { AgentState } from '../posture/agent-state.ts'
import type { Recommendation, RecommendationState } from '../recommendations/recommendation.ts'

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

  /** Forgets everything about a device. */
  removeDevice(deviceId: string): Promise<void>
  close(): Promise<void>
}

export interface FindingSummary {
  readonly openAlerts: { readonly [severity in Severity]: number }
  readonly activeRecommendations: { readonly [severity in Severity]: number }
  readonly devicesWithOpenAlerts: number
}
