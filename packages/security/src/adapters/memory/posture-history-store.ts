import type { Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import {
  type DeviceScore,
  type GroupScore,
  MAX_HISTORY_DAYS,
  type PostureHistoryStore,
  type ScoreDay,
  type ScoreTotals,
} from '../../posture/history-store.ts'

/** The name under which the whole fleet is added up. */
const FLEET = ''

/** Scores until the process ends. */
export class MemoryPostureHistoryStore implements PostureHistoryStore {
  readonly #scores = new Map<string, DeviceScore>()
  /** By device, then day. */
  readonly #days = new Map<string, Map<number, number>>()
  /** By group, then day. */
  readonly #totalDays = new Map<string, Map<number, ScoreTotals>>()

  async find(deviceId: string): Promise<DeviceScore | undefined> {
    return this.#scores.get(deviceId)
  }

  async record(score: DeviceScore, day: number): Promise<void> {
    const { deviceId, group } = score
    const before = this.#scores.get(deviceId)
    this.#scores.set(deviceId, { ...score })
    keep(this.#days, deviceId, { day, value: score.score })
    drop(this.#days, deviceId, day)
    if (JSON.stringify(before) !== JSON.stringify(score)) {
      this.#noteDay(day, [FLEET, group, ...(before ? [before.group] : [])])
    }
    for (const name of [FLEET, group]) drop(this.#totalDays, name, day)
  }

  async remove(deviceId: string, day: number): Promise<void> {
    const before = this.#scores.get(deviceId)
    if (!before) return
    this.#scores.delete(deviceId)
    this.#days.delete(deviceId)
    this.#noteDay(day, [FLEET, before.group])
  }

  async totals(group?: string): Promise<ScoreTotals> {
    return this.#totalsOf(group ?? FLEET)
  }

  async groups({
    limit,
    continuationToken: token,
  }: Parameters<PostureHistoryStore['groups']>[0]): Promise<Page<GroupScore>> {
    checkLimit(limit)
    const after = token === undefined ? FLEET : parsePageToken('group-scores', token).id
    const names = [...new Set(Array.from(this.#scores.values(), ({ group }) => group))]
    const rest = names.filter((name) => name > after).sort()
    const items = rest.slice(0, limit).map((group) => ({ group, ...this.#totalsOf(group) }))
    const id = items.at(-1)?.group ?? ''
    const next = rest.length > limit ? formatPageToken('group-scores', { order: 0, id }) : null
    return { items, continuationToken: next }
  }

  async days(group: string | undefined, fromDay: number): Promise<readonly ScoreDay[]> {
    const days = from(this.#totalDays.get(group ?? FLEET), fromDay)
    return days.map(([day, totals]) => ({ day, ...totals }))
  }

  async deviceDays(deviceId: string, fromDay: number) {
    return from(this.#days.get(deviceId), fromDay).map(([day, score]) => ({ day, score }))
  }

  #noteDay(day: number, names: readonly string[]): void {
    for (const name of names) keep(this.#totalDays, name, { day, value: this.#totalsOf(name) })
  }

  #totalsOf(name: string): ScoreTotals {
    const all = [...this.#scores.values()].filter(({ group }) => name === FLEET || group === name)
    const weight = all.reduce((sum, one) => sum + one.weight, 0)
    const points = all.reduce((sum, one) => sum + one.weight * one.score, 0)
    const count = (worst: DeviceScore['worst']) => all.filter((one) => one.worst === worst).length
    return {
      devices: all.length,
      score: weight === 0 ? null : points / weight,
      ...{ high: count('High'), medium: count('Medium'), low: count('Low') },
    }
  }
}

function keep<T>(
  days: Map<string, Map<number, T>>,
  name: string,
  { day, value }: { readonly day: number; readonly value: T },
): void {
  const ofName = days.get(name) ?? new Map<number, T>()
  days.set(name, ofName.set(day, value))
}

function drop<T>(days: Map<string, Map<number, T>>, name: string, day: number): void {
  const ofName = days.get(name)
  for (const old of ofName?.keys() ?? []) if (old <= day - MAX_HISTORY_DAYS) ofName?.delete(old)
}

/** Those from a day on, and the last one before. */
function from<T>(days: ReadonlyMap<number, T> | undefined, fromDay: number): [number, T][] {
  const sorted = [...(days ?? [])].sort(([a], [b]) => a - b)
  const first = sorted.findLastIndex(([day]) => day < fromDay)
  return sorted.slice(Math.max(0, first))
}
