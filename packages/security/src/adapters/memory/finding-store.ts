import { HubError } from '@twinward/protocol'
import { MAX_REJECTIONS, MAX_REJECTIONS_PER_DEVICE } from '../../data/finding-limits.ts'
import type {
  AlertFilter,
  DeviceMemory,
  FindingBatch,
  FindingStore,
  FindingSummary,
  Page,
  Prevalence,
  RecommendationCount,
  RecommendationFilter,
  StoredRejection,
} from '../../data/finding-store.ts'
import { checkLimit, type Place } from '../../data/page-token.ts'
import type { Alert } from '../../detection/alert.ts'
import { THE_HUB } from '../../detection/hub/hub-record.ts'
import type { FindingChange } from '../../findings/finding-change.ts'
import type { DuePlace } from '../../modules/module-store.ts'
import type { AgentState } from '../../posture/agent-state.ts'
import type { Recommendation } from '../../recommendations/recommendation.ts'
import { MemoryActivity } from './activity.ts'
import { MemoryAlertDays } from './alert-days.ts'
import { MemoryBaselines } from './baselines.ts'
import { ChangeFeed } from './change-feed.ts'
import {
  byLastMessage,
  compare,
  countBySeverity,
  isAsked,
  isOpen,
  pageOf,
  placeOfAlert,
  placeOfRecommendation,
} from './finding-pages.ts'
import { MemoryNoise } from './noise.ts'
import { prevalenceOf } from './prevalence.ts'
import { countRecommendations, dueIn } from './recommendation-notes.ts'

/** Findings until the process ends, kept as JSON texts so that nobody shares an object with us. */
export class MemoryFindingStore implements FindingStore {
  readonly #alerts = new Map<string, string>()
  readonly #recommendations = new Map<string, string>()
  readonly #feed = new ChangeFeed()
  readonly activity = new MemoryActivity()
  readonly noise = new MemoryNoise()
  readonly days = new MemoryAlertDays(() => this.#allAlerts())
  readonly baselines = new MemoryBaselines()
  readonly #agents = new Map<string, string>()
  readonly #memories = new Map<string, string>()
  /** By number, the oldest first. */
  readonly #rejections = new Map<number, { readonly deviceId: string; readonly text: string }>()
  #lastRejection = 0
  #cursor = 0
  #isClosed = false

  async cursor(): Promise<number> {
    this.#checkOpen()
    return this.#cursor
  }

  async commit(batch: FindingBatch): Promise<void> {
    this.#checkOpen()
    const { alerts = [], recommendations = [], agents = [], memories = [], rejections = [] } = batch
    for (const { startTimeMs, endTimeMs } of alerts) checkTimes(startTimeMs, endTimeMs)
    for (const { stateChangedMs } of recommendations) checkTimes(stateChangedMs)
    // All texts first: whatever cannot be one must change nothing.
    const changes = [
      { map: this.#alerts, entries: alerts.map((alert) => entry(alert.id, alert)) },
      { map: this.#recommendations, entries: recommendations.map((one) => entry(one.id, one)) },
      { map: this.#agents, entries: agents.map((agent) => entry(agent.deviceId, agent)) },
      { map: this.#memories, entries: memories.map((memory) => entry(memory.deviceId, memory)) },
    ]
    const refused = rejections.map((rejection) => entry(rejection.ref.deviceId, rejection))
    for (const alert of alerts) this.#feed.append(this.#alerts.get(alert.id), { alert })
    for (const recommendation of recommendations) {
      this.#feed.append(this.#recommendations.get(recommendation.id), { recommendation })
    }
    for (const { map, entries } of changes) for (const [key, text] of entries) map.set(key, text)
    this.activity.commit(batch.activity ?? {})
    for (const one of batch.heldBack ?? []) this.noise.count(one)
    for (const one of batch.learned ?? []) this.noise.learn(one)
    this.baselines.commit(batch)
    for (const [deviceId, text] of refused) {
      this.#rejections.set(++this.#lastRejection, { deviceId, text })
    }
    for (const deviceId of new Set(refused.map(([deviceId]) => deviceId)))
      this.#dropOldest(deviceId)
    this.#dropOldest()
    if (batch.cursor !== undefined && batch.cursor > this.#cursor) this.#cursor = batch.cursor
  }

  async findAlert(id: string): Promise<Alert | undefined> {
    return this.#find<Alert>(this.#alerts, id)
  }

  async findAlertByKey(dedupeKey: string): Promise<Alert | undefined> {
    return this.#allAlerts().find((alert) => alert.dedupeKey === dedupeKey)
  }

  async listAlerts(filter: AlertFilter): Promise<Page<Alert>> {
    const { deviceId, alertType, status, severity, fromMs, toMs, startedFromMs } = filter
    const found = this.#allAlerts().filter(
      (alert) =>
        isAsked(deviceId, alert.deviceId) &&
        isAsked(alertType, alert.alertType) &&
        isAsked(status, alert.status) &&
        isAsked(severity, alert.severity) &&
        (fromMs === undefined || alert.endTimeMs >= fromMs) &&
        (toMs === undefined || alert.startTimeMs < toMs) &&
        (startedFromMs === undefined || alert.startTimeMs >= startedFromMs),
    )
    return pageOf(found, { list: 'alerts', ...filter }, placeOfAlert)
  }

  async openAlerts(deviceId: string, limit: number): Promise<readonly Alert[]> {
    checkLimit(limit)
    return this.#allAlerts()
      .filter((alert) => alert.deviceId === deviceId && isOpen(alert))
      .slice(0, limit)
  }

  async findRecommendation(id: string): Promise<Recommendation | undefined> {
    return this.#find<Recommendation>(this.#recommendations, id)
  }

  async listRecommendations(filter: RecommendationFilter): Promise<Page<Recommendation>> {
    const { deviceId, recommendationType, state, severity } = filter
    const found = this.#all<Recommendation>(this.#recommendations, placeOfRecommendation).filter(
      (one) =>
        isAsked(deviceId, one.deviceId) &&
        isAsked(recommendationType, one.recommendationType) &&
        isAsked(state, one.state) &&
        isAsked(severity, one.severity),
    )
    return pageOf(found, { list: 'recommendations', ...filter }, placeOfRecommendation)
  }

  async findAgent(deviceId: string): Promise<AgentState | undefined> {
    return this.#find<AgentState>(this.#agents, deviceId)
  }

  async agentsByLastMessage({
    after,
    throughMs,
    limit,
  }: Parameters<FindingStore['agentsByLastMessage']>[0]): Promise<readonly AgentState[]> {
    checkLimit(limit)
    this.#checkOpen()
    return [...this.#agents.values()]
      .map((text) => JSON.parse(text) as AgentState)
      .sort(byLastMessage)
      .filter((agent) => byLastMessage(after, agent) < 0 && agent.lastMessageMs <= throughMs)
      .slice(0, limit)
  }

  async findMemory(deviceId: string): Promise<DeviceMemory | undefined> {
    return this.#find<DeviceMemory>(this.#memories, deviceId)
  }

  async dueMemories(nowMs: number, limit: number, after?: DuePlace) {
    checkLimit(limit)
    this.#checkOpen()
    return dueIn([...this.#memories.values()], nowMs, after).slice(0, limit)
  }

  async recommendationCounts(): Promise<readonly RecommendationCount[]> {
    return countRecommendations(this.#all(this.#recommendations, placeOfRecommendation))
  }

  async listRejections(filter: {
    deviceId?: string
    limit: number
    continuationToken?: string
  }): Promise<Page<StoredRejection>> {
    this.#checkOpen()
    const found = Array.from(this.#rejections, ([id, rejection]) => ({ id, ...rejection }))
      .filter(({ deviceId }) => isAsked(filter.deviceId, deviceId))
      .reverse()
    const request = { list: 'rejections' as const, ...filter }
    const page = pageOf(found, request, ({ id }) => ({ order: id, id: '' }))
    const items = page.items.map(({ id, text }): StoredRejection => ({ ...JSON.parse(text), id }))
    return { ...page, items }
  }

  async summary(): Promise<FindingSummary> {
    const open = this.#allAlerts().filter(isOpen)
    const active = this.#all<Recommendation>(this.#recommendations, placeOfRecommendation).filter(
      ({ state }) => state === 'Active',
    )
    return {
      openAlerts: countBySeverity(open),
      activeRecommendations: countBySeverity(active),
      devicesWithOpenAlerts: new Set(open.map(({ deviceId }) => deviceId).filter(isDevice)).size,
    }
  }

  async prevalence(limit: number): Promise<Prevalence> {
    checkLimit(limit)
    const active = this.#all<Recommendation>(this.#recommendations, placeOfRecommendation).filter(
      ({ state }) => state === 'Active',
    )
    return prevalenceOf(this.#allAlerts().filter(isOpen), active, limit)
  }

  async changesAfter(sequence: number, limit: number): Promise<readonly FindingChange[]> {
    checkLimit(limit)
    this.#checkOpen()
    return this.#feed.after(sequence, limit)
  }

  async lastChange(): Promise<number> {
    this.#checkOpen()
    return this.#feed.last
  }

  async expireAlerts(beforeMs: number, limit: number): Promise<number> {
    const closed = this.#allAlerts().filter((one) => !isOpen(one) && one.endTimeMs < beforeMs)
    const expired = closed.reverse().slice(0, limit)
    for (const { id } of expired) this.#alerts.delete(id)
    return expired.length
  }

  async expireRecommendations(beforeMs: number, limit: number): Promise<number> {
    const all = this.#all<Recommendation>(this.#recommendations, placeOfRecommendation)
    const expired = all
      .filter(({ deviceRemovedMs = Number.POSITIVE_INFINITY }) => deviceRemovedMs < beforeMs)
      .sort((a, b) => (a.deviceRemovedMs ?? 0) - (b.deviceRemovedMs ?? 0))
      .slice(0, limit)
    for (const { id } of expired) this.#recommendations.delete(id)
    return expired.length
  }

  async removeDevice(deviceId: string): Promise<void> {
    this.#checkOpen()
    this.activity.removeDevice(deviceId)
    this.noise.removeDevice(deviceId)
    this.baselines.removeDevice(deviceId)
    for (const map of [this.#alerts, this.#recommendations, this.#agents, this.#memories]) {
      for (const [key, text] of map) {
        const stored = JSON.parse(text) as Pick<Alert, 'deviceId' | 'deviceRemovedMs'>
        if (stored.deviceId === deviceId && !stored.deviceRemovedMs) map.delete(key)
      }
    }
    for (const [id, rejection] of this.#rejections) {
      if (rejection.deviceId === deviceId) this.#rejections.delete(id)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #dropOldest(deviceId?: string): void {
    const numbers: number[] = []
    for (const [id, rejection] of this.#rejections) {
      if (isAsked(deviceId, rejection.deviceId)) numbers.push(id)
    }
    const most = deviceId === undefined ? MAX_REJECTIONS : MAX_REJECTIONS_PER_DEVICE
    for (const id of numbers.slice(0, Math.max(0, numbers.length - most))) {
      this.#rejections.delete(id)
    }
  }

  #find<T>(map: ReadonlyMap<string, string>, key: string): T | undefined {
    this.#checkOpen()
    const text = map.get(key)
    return text === undefined ? undefined : (JSON.parse(text) as T)
  }

  #allAlerts(): Alert[] {
    return this.#all<Alert>(this.#alerts, placeOfAlert)
  }

  /** Newest first, then by id. */
  #all<T>(map: ReadonlyMap<string, string>, placeOf: (item: T) => Place): T[] {
    this.#checkOpen()
    return Array.from(map.values(), (text) => JSON.parse(text) as T).sort((a, b) =>
      compare(placeOf(a), placeOf(b)),
    )
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new HubError('ServiceUnavailable', 'The finding store is closed.')
  }
}

function entry(key: string, value: object): readonly [string, string] {
  return [key, JSON.stringify(value)]
}

function checkTimes(...times: readonly number[]): void {
  for (const timeMs of times) {
    if (!Number.isSafeInteger(timeMs)) throw new TypeError(`${timeMs} is not a time in ms.`)
  }
}

function isDevice(deviceId: string): boolean {
  return deviceId !== THE_HUB
}
