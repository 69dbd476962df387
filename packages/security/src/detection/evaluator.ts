import { randomUUID } from 'node:crypto'
import type { JsonObject } from '@twinward/protocol'
import type { DeviceMemory, FindingStore } from '../data/finding-store.ts'
import type { GroupLookup } from '../groups/group-lookup.ts'
import { normalise } from '../ingestion/normalise.ts'
import type { Evaluator, IngestedMessage } from '../ingestion/pipeline.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import type { Log } from '../log.ts'
import { SILENCE_LIMIT_MS } from '../modules/state.ts'
import type { AgentState } from '../posture/agent-state.ts'
import { updateAgent } from '../posture/agent-update.ts'
import { type Assessment, assess, type Recommendation } from '../recommendations/recommendation.ts'
import type { RecommendationRule } from '../recommendations/rule.ts'
import type { Alert } from './alert.ts'
import { dedupeKey, openOrUpdate, opensAlert } from './alerts.ts'
import { evaluateRecords, type Finding } from './evaluate.ts'
import { admitAlert, floodFinding, holdBack } from './flood.ts'
import type { Rule, RuleMemory } from './rule.ts'
import { endSilence, silenceKey } from './silence.ts'
import type { FindingFilter } from './switches.ts'

interface Ports {
  readonly findings: FindingStore
  readonly log: Log
}

/** What messages are judged by. */
export interface Rules {
  readonly alerts: readonly Rule[]
  /** What operators set for them. */
  readonly filter: FindingFilter
  readonly groups: GroupLookup
  readonly recommendations: readonly RecommendationRule[]
  /** After so long without a message, a message ends a silence. Default `SILENCE_LIMIT_MS`. */
  readonly silentAfterMs?: number
}

/** Turns messages into alerts, recommendations and agents' state, and commits them with the cursor. */
export class FindingEvaluator implements Evaluator {
  readonly #ports: Ports
  readonly #rules: Rules
  readonly #touched: (deviceId: string) => void

  /** @param touched  told of every device whose findings may have changed, after the commit */
  constructor(ports: Ports, rules: Rules, touched: (deviceId: string) => void) {
    this.#ports = ports
    this.#rules = rules
    this.#touched = touched
  }

  async evaluate(messages: readonly IngestedMessage[], cursor: number): Promise<void> {
    const step = new Step(this.#ports, this.#rules)
    await step.prepare(messages)
    for (const ingested of messages) await step.take(ingested)
    await this.#ports.findings.commit({ ...step.changes(), cursor })
    for (const deviceId of step.devices()) this.#touched(deviceId)
  }
}

/** One batch of messages: what is read once stays here until all is committed together. */
class Step {
  readonly #findings: FindingStore
  readonly #log: Log
  readonly #rules: Rules
  /** As they were before the batch. */
  readonly #known = new Map<string, AgentState>()
  readonly #agents = new Map<string, AgentState>()
  readonly #memories = new Map<string, Memory>()
  readonly #alerts = new Map<string, Alert>()
  readonly #newest = new Map<string, Alert>()
  readonly #recommendations = new Map<string, Recommendation>()
  readonly #messages: IngestedMessage[] = []

  constructor({ findings, log }: Ports, rules: Rules) {
    this.#findings = findings
    this.#log = log
    this.#rules = rules
  }

  /** Reads at once what all messages will ask for: one by one, each would wait for the store. */
  async prepare(messages: readonly IngestedMessage[]): Promise<void> {
    const deviceIds = new Set(messages.map(({ message }) => message.ref.deviceId))
    const read = async (deviceId: string) => {
      const [agent] = await Promise.all([
        this.#findings.findAgent(deviceId),
        this.#memoryOf(deviceId),
      ])
      if (agent !== undefined) this.#known.set(deviceId, agent)
    }
    await Promise.all(Array.from(deviceIds, read))
  }

  async take(ingested: IngestedMessage): Promise<void> {
    const { message, decoded } = ingested
    const { deviceId } = message.ref
    this.#messages.push(ingested)
    const before = this.#agents.get(deviceId) ?? this.#known.get(deviceId)
    const after = updateAgent(before, message, decoded)
    this.#agents.set(deviceId, after)
    await this.#endSilence(before, after)
    const records = decoded.events.flatMap(normalise)
    await this.#detect(deviceId, records, message.enqueuedTimeMs)
    for (const record of records) await this.#assess(record)
  }

  changes() {
    return {
      alerts: [...this.#alerts.values()],
      recommendations: [...this.#recommendations.values()],
      agents: [...this.#agents.values()],
      memories: [...this.#memories.values()].flatMap((memory) => memory.changed()),
      rejections: this.#messages.flatMap(({ decoded }) => decoded.rejections),
    }
  }

  devices(): Iterable<string> {
    return this.#agents.keys()
  }

  async #detect(
    deviceId: string,
    records: readonly SecurityRecord[],
    nowMs: number,
  ): Promise<void> {
    if (records.length === 0) return
    const memory = await this.#memoryOf(deviceId)
    const failed = (rule: Rule, { header }: SecurityRecord, error: unknown) =>
      this.#log.error(
        { err: error, rule: rule.type.alertType, deviceId, eventId: header.eventId },
        'a rule failed',
      )
    const group = await this.#rules.groups.settingsFor(deviceId)
    const { alerts } = this.#rules
    for (const finding of evaluateRecords(records, alerts, memory, { group, failed })) {
      await this.#raise(finding, memory, nowMs)
    }
  }

  /** A message that waited shortens the gap, so half of the limit is enough to look. */
  async #endSilence(before: AgentState | undefined, after: AgentState): Promise<void> {
    const { silentAfterMs = SILENCE_LIMIT_MS } = this.#rules
    if (!before || after.lastMessageMs - before.lastMessageMs < silentAfterMs / 2) return
    const alert = await this.#newestWith(silenceKey(after))
    const ended = endSilence(alert, after.lastMessageMs)
    if (ended) this.#keep(ended, alert)
  }

  async #raise(found: Finding, memory: RuleMemory, nowMs: number): Promise<void> {
    const finding = await this.#rules.filter.apply(found)
    if (!finding) return
    const existing = await this.#newestWith(dedupeKey(finding))
    if (!opensAlert(existing, finding) || admitAlert(memory, nowMs)) {
      this.#keep(openOrUpdate(existing, finding, nowMs, randomUUID), existing)
      return
    }
    const flood = floodFinding(finding)
    const before = await this.#newestWith(dedupeKey(flood))
    this.#keep(holdBack(before, flood, nowMs, randomUUID), before)
  }

  async #newestWith(key: string): Promise<Alert | undefined> {
    return this.#newest.get(key) ?? (await this.#findings.findAlertByKey(key))
  }

  #keep(alert: Alert, before: Alert | undefined): void {
    if (alert === before) return
    this.#alerts.set(alert.id, alert)
    this.#newest.set(alert.dedupeKey, alert)
  }

  async #assess(record: SecurityRecord): Promise<void> {
    const { ref, timeMs } = record.header
    for (const rule of this.#rules.recommendations) {
      if (!rule.kinds.includes(record.kind)) continue
      const assessment = this.#tryRule(rule, record)
      if (!assessment) continue
      const id = `${rule.type.recommendationType}|${ref.deviceId}`
      const existing =
        this.#recommendations.get(id) ?? (await this.#findings.findRecommendation(id))
      const next = assess(existing, rule.type, assessment, { deviceId: ref.deviceId, timeMs })
      if (next !== undefined && next !== existing) this.#recommendations.set(id, next)
    }
  }

  /** One rule that fails must not keep the messages of all devices waiting. */
  #tryRule(rule: RecommendationRule, record: SecurityRecord): Assessment | undefined {
    try {
      return rule.evaluate(record)
    } catch (error) {
      const { ref, eventId } = record.header
      const { recommendationType } = rule.type
      const fields = { err: error, rule: recommendationType, deviceId: ref.deviceId, eventId }
      this.#log.error(fields, 'a rule failed')
      return undefined
    }
  }

  async #memoryOf(deviceId: string): Promise<Memory> {
    const known = this.#memories.get(deviceId)
    if (known) return known
    const memory = new Memory(deviceId, await this.#findings.findMemory(deviceId))
    this.#memories.set(deviceId, memory)
    return memory
  }
}

/** What rules remember about a device; `changed` gives what they set. */
class Memory implements RuleMemory {
  readonly #deviceId: string
  readonly #values: Map<string, JsonObject>
  #isChanged = false

  constructor(deviceId: string, stored: DeviceMemory | undefined) {
    this.#deviceId = deviceId
    this.#values = new Map(Object.entries(stored?.values ?? {}) as [string, JsonObject][])
  }

  get(name: string): JsonObject | undefined {
    return this.#values.get(name)
  }

  set(name: string, value: JsonObject): void {
    this.#values.set(name, value)
    this.#isChanged = true
  }

  changed(): readonly DeviceMemory[] {
    if (!this.#isChanged) return []
    return [{ deviceId: this.#deviceId, values: Object.fromEntries(this.#values) }]
  }
}
