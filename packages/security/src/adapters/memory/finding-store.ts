import { HubError } from '@twinward/protocol'
import {
  MAX_PAGE_CHARACTERS,
  MAX_REJECTIONS,
  MAX_REJECTIONS_PER_DEVICE,
} from '../../data/finding-limits.ts'
import type {
  AgentPlace,
  AlertFilter,
  DeviceMemory,
  FindingBatch,
  FindingStore,
  FindingSummary,
  Page,
  RecommendationFilter,
  StoredRejection,
} from '../../data/finding-store.ts'
import {
  checkLimit,
  formatPageToken,
  type ListName,
  type Place,
  parsePageToken,
} from '../../data/page-token.ts'
import type { Alert, Severity } from '../../detection/alert.ts'
import type { AgentState } from '../../posture/agent-state.ts'
import type { Recommendation } from '../../recommendations/recommendation.ts'

/** Findings until the process ends, kept as JSON texts so that nobody shares an object with us. */
export class MemoryFindingStore implements FindingStore {
  readonly #alerts = new Map<string, string>()
  readonly #recommendations = new Map<string, string>()
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
    for (const { map, entries } of changes) for (const [key, text] of entries) map.set(key, text)
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
    const { deviceId, alertType, status, severity, fromMs, toMs } = filter
    const found = this.#allAlerts().filter(
      (alert) =>
        isAsked(deviceId, alert.deviceId) &&
        isAsked(alertType, alert.alertType) &&
        isAsked(status, alert.status) &&
        isAsked(severity, alert.severity) &&
        (fromMs === undefined || alert.endTimeMs >= fromMs) &&
        (toMs === undefined || alert.startTimeMs < toMs),
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
      devicesWithOpenAlerts: new Set(open.map(({ deviceId }) => deviceId)).size,
    }
  }

  async removeDevice(deviceId: string): Promise<void> {
    this.#checkOpen()
    for (const map of [this.#alerts, this.#recommendations, this.#agents, this.#memories]) {
      for (const [key, text] of map) {
        if ((JSON.parse(text) as { deviceId: string }).deviceId === deviceId) map.delete(key)
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

function isAsked<T>(asked: T | undefined, value: T): boolean {
  return asked === undefined || asked === value
}

function isOpen({ status }: Alert): boolean {
  return status === 'Active' || status === 'InProgress'
}

function placeOfAlert({ endTimeMs, id }: Alert): Place {
  return { order: endTimeMs, id }
}

function placeOfRecommendation({ stateChangedMs, id }: Recommendation): Place {
  return { order: stateChangedMs, id }
}

function compare(a: Place, b: Place): number {
  return b.order - a.order || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

interface PageRequest {
  readonly list: ListName
  readonly limit: number
  readonly continuationToken?: string
}

function pageOf<T>(
  found: readonly T[],
  { list, limit, continuationToken }: PageRequest,
  placeOf: (item: T) => Place,
): Page<T> {
  checkLimit(limit)
  const after =
    continuationToken === undefined ? undefined : parsePageToken(list, continuationToken)
  const rest = after ? found.filter((item) => compare(placeOf(item), after) > 0) : found
  const items: T[] = []
  let characters = 0
  for (const item of rest) {
    if (items.length === limit || characters >= MAX_PAGE_CHARACTERS) break
    characters += JSON.stringify(item).length
    items.push(item)
  }
  const last = items.at(-1)
  const hasMore = last !== undefined && items.length < rest.length
  return { items, continuationToken: hasMore ? formatPageToken(list, placeOf(last)) : null }
}

function countBySeverity(findings: readonly { readonly severity: Severity }[]) {
  const counts = { Informational: 0, Low: 0, Medium: 0, High: 0 }
  for (const { severity } of findings) counts[severity]++
  return counts
}

function byLastMessage(a: AgentPlace, b: AgentPlace): number {
  return (
    a.lastMessageMs - b.lastMessageMs ||
    (a.deviceId < b.deviceId ? -1 : Number(a.deviceId > b.deviceId))
  )
}
