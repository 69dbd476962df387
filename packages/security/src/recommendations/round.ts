import type { DisabledChecks } from '../baseline/disabled-checks.ts'
import type { FindingStore } from '../data/finding-store.ts'
import type { RuleMemory } from '../detection/rule.ts'
import type { GroupSettings } from '../groups/group-settings.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import type { Log } from '../log.ts'
import { NOTES, noteRecord, readNotes, sourceOf, writeNotes } from './notes.ts'
import {
  type Assessment,
  assess,
  type Recommendation,
  type RecommendationType,
  recommendationId,
  type Snapshot,
} from './recommendation.ts'
import type { RecommendationFamily, RecommendationRule } from './rule.ts'
import { NO_SWITCHES, type TypeSwitches } from './switches.ts'

/** Recommendations of one device and state that are looked through; a device has not so many. */
export const MAX_DEVICE_RECOMMENDATIONS = 1_000

/** What recommendations are made by. */
export interface JudgedBy {
  readonly rules: readonly RecommendationRule[]
  readonly families?: readonly RecommendationFamily[]
  /** Default: all are on. */
  readonly switches?: TypeSwitches
  /** What the configuration of the agent that sent a record switches off. Default: nothing. */
  readonly disabledChecks?: (record: SecurityRecord) => Promise<DisabledChecks>
  /** Keeps what is judged later, beside the step. */
  readonly keep?: (record: SecurityRecord) => Promise<void>
}

interface Ports {
  readonly findings: Pick<FindingStore, 'findRecommendation' | 'listRecommendations'>
  readonly log: Log
}

/**
 * Recommendations within one step: what is read once stays here until all is committed together. To
 * be used within the serial changes of findings.
 */
export class Round {
  readonly #ports: Ports
  readonly #by: JudgedBy
  readonly #changed = new Map<string, Recommendation>()

  constructor(ports: Ports, by: JudgedBy) {
    this.#ports = ports
    this.#by = by
  }

  /** What is different from the store. */
  changed(): readonly Recommendation[] {
    return [...this.#changed.values()]
  }

  /** Judges a record by every rule, and notes in the device's memory what it says for later. */
  async take(record: SecurityRecord, memory: RuleMemory, group: GroupSettings): Promise<void> {
    const before = readNotes(memory.get(NOTES))
    const notes = noteRecord(before, record)
    if (notes !== before) memory.set(NOTES, writeNotes(notes))
    if (record.kind === 'sbom') await this.#by.keep?.(record)
    for (const rule of this.#by.rules) {
      if (!rule.kinds.includes(record.kind)) continue
      const assessment = this.#try(rule.type, record, () => rule.evaluate(record, group, notes))
      if (!assessment) continue
      await this.judge(rule.type, assessment, snapshotOf(record, rule))
    }
    for (const family of this.#by.families ?? []) {
      if (family.wants(record)) await this.#judgeFamily(family, record)
    }
  }

  /** Notes a verdict; nothing when its type is switched off. */
  async judge(type: RecommendationType, assessment: Assessment, snapshot: Snapshot): Promise<void> {
    const { recommendationType } = type
    if ((this.#by.switches ?? NO_SWITCHES).isOff(recommendationType)) return
    const existing = await this.find(recommendationId(recommendationType, snapshot.deviceId))
    this.keep(assess(existing, type, assessment, snapshot), existing)
  }

  /** Notes what is so now: newer than whatever was noted, though a device's clock may be ahead. */
  async judgeNow(
    type: RecommendationType,
    assessment: Assessment,
    { deviceId, timeMs, source }: Snapshot,
  ): Promise<void> {
    const existing = await this.find(recommendationId(type.recommendationType, deviceId))
    const laterMs = Math.max(timeMs, (existing?.snapshotTimeMs ?? 0) + 1)
    const snapshot = { deviceId, timeMs: laterMs, ...(source !== undefined && { source }) }
    await this.judge(type, assessment, snapshot)
  }

  async find(id: string): Promise<Recommendation | undefined> {
    return this.#changed.get(id) ?? (await this.#ports.findings.findRecommendation(id))
  }

  /** @param before  what the round has of it; the same means nothing new */
  keep(after: Recommendation | undefined, before: Recommendation | undefined): void {
    if (after !== undefined && after !== before) this.#changed.set(after.id, after)
  }

  /** Those of a device in one of these states, as the round has them. */
  async inStates(
    deviceId: string,
    states: readonly Recommendation['state'][],
  ): Promise<readonly Recommendation[]> {
    const { findings } = this.#ports
    const stored = await Promise.all(
      states.map((state) =>
        findings.listRecommendations({ deviceId, state, limit: MAX_DEVICE_RECOMMENDATIONS }),
      ),
    )
    const all = new Map(stored.flatMap(({ items }) => items.map((one) => [one.id, one] as const)))
    for (const [id, one] of this.#changed) if (one.deviceId === deviceId) all.set(id, one)
    return [...all.values()].filter(({ state }) => states.includes(state))
  }

  async #judgeFamily(family: RecommendationFamily, record: SecurityRecord): Promise<void> {
    const { deviceId } = record.header.ref
    const all = await this.inStates(deviceId, ['Active', 'Stale', 'Exempt'])
    const known = all.filter((one) => one.recommendationType.startsWith(family.prefix))
    const off = (await this.#by.disabledChecks?.(record)) ?? { groups: [], checks: [] }
    const judged = this.#try(family.type, record, () => family.evaluateAll(record, known, off))
    for (const { type, assessment } of judged ?? []) {
      await this.judge(type, assessment, snapshotOf(record, {}))
    }
  }

  /** One rule that fails must not keep the messages of all devices waiting. */
  #try<T>(type: RecommendationType, { header }: SecurityRecord, run: () => T): T | undefined {
    try {
      return run()
    } catch (error) {
      const { ref, eventId } = header
      const { recommendationType } = type
      const fields = { err: error, rule: recommendationType, deviceId: ref.deviceId, eventId }
      this.#ports.log.error(fields, 'a rule failed')
      return undefined
    }
  }
}

/** What comes by no clock is told by the hub's, to which changes of the twin are compared. */
function snapshotOf(
  record: SecurityRecord,
  { isOccasional }: Pick<RecommendationRule, 'isOccasional'>,
): Snapshot {
  const { ref, timeMs, receivedMs } = record.header
  const source = sourceOf(record)
  if (isOccasional) return { deviceId: ref.deviceId, timeMs: receivedMs }
  return { deviceId: ref.deviceId, timeMs, ...(source !== undefined && { source }) }
}
