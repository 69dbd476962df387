import { randomUUID } from 'node:crypto'
import type { WindowCounts, WindowStage } from '../activity/window-counts.ts'
import { BaselineStep } from '../baseline/baseline-step.ts'
import type { FindingStore } from '../data/finding-store.ts'
import type { GroupLookup } from '../groups/group-lookup.ts'
import { normalise } from '../ingestion/normalise.ts'
import type { Evaluator, IngestedMessage } from '../ingestion/pipeline.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import type { Log } from '../log.ts'
import { SILENCE_LIMIT_MS } from '../modules/state.ts'
import type { AgentState } from '../posture/agent-state.ts'
import { updateAgent } from '../posture/agent-update.ts'
import { type JudgedBy, Round } from '../recommendations/round.ts'
import type { RecommendationRule } from '../recommendations/rule.ts'
import type { Alert } from './alert.ts'
import { dedupeKey, openOrUpdate, opensAlert } from './alerts.ts'
import { Memory } from './device-memory.ts'
import { evaluateRecords, type Finding } from './evaluate.ts'
import { admitAlert, floodFinding, holdBack } from './flood.ts'
import { countRefused } from './hub/refused-messages.ts'
import { Noise } from './noise/noise.ts'
import type { Judge } from './noise/verdict.ts'
import { endDisconnection, missingKey } from './reconnection.ts'
import type { Rule, RuleMemory, RuleSet } from './rule.ts'
import { endSilence, silenceKey } from './silence.ts'

interface Ports {
  readonly findings: FindingStore
  readonly log: Log
}

/** What messages are judged by. */
export interface Rules {
  readonly alerts: readonly Rule[]
  /** Asked after them. */
  readonly sets?: readonly RuleSet[]
  /** What becomes of what they find. */
  readonly judge: Judge
  readonly groups: GroupLookup
  /** Counts for the rules on time windows of groups. */
  readonly windows?: WindowCounts
  readonly recommendations: readonly RecommendationRule[]
  /** What else recommendations are made by. */
  readonly judgedBy?: Omit<JudgedBy, 'rules'>
  /** Whether a message is of a fire drill, which tells nothing about the agent. */
  readonly isDrill?: (ingested: IngestedMessage) => boolean
  /** After so long without a message, a message ends a silence. Default `SILENCE_LIMIT_MS`. */
  readonly silentAfterMs?: number
}

/** Under this name a device's memory holds the group that it was counted in while it learned. */
const LEARNING = 'learning'

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
    step.adopt()
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
  readonly #round: Round
  readonly #noise = new Noise()
  readonly #baselines: BaselineStep
  readonly #windows: WindowStage | undefined
  readonly #messages: IngestedMessage[] = []

  constructor({ findings, log }: Ports, rules: Rules) {
    this.#findings = findings
    this.#log = log
    this.#rules = rules
    this.#baselines = new BaselineStep(findings.baselines)
    const { recommendations, judgedBy } = rules
    this.#windows = rules.windows?.stage()
    this.#round = new Round({ findings, log }, { ...judgedBy, rules: recommendations })
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
    if (!this.#rules.isDrill?.(ingested)) await this.#noteAgent(ingested)
    const records = decoded.events.flatMap(normalise)
    await this.#detect(deviceId, records, message.enqueuedTimeMs)
    await this.#countRefused(ingested)
    await this.#windows?.countRecords(deviceId, records, message.enqueuedTimeMs)
    for (const record of records) {
      if (record.kind === 'baseline') await this.#baselines.take(record)
    }
    const group = await this.#rules.groups.settingsFor(deviceId)
    const memory = await this.#memoryOf(deviceId)
    for (const record of records) await this.#round.take(record, memory, group)
  }

  changes() {
    return {
      alerts: [...this.#alerts.values()],
      recommendations: this.#round.changed(),
      agents: [...this.#agents.values()],
      memories: [...this.#memories.values()].flatMap((memory) => memory.changed()),
      rejections: this.#messages.flatMap(({ decoded }) => decoded.rejections),
      ...this.#noise.changes(),
      ...this.#baselines.changes(),
      activity: { windows: this.#windows?.changes() ?? [] },
    }
  }

  /** The changes are durable. */
  adopt(): void {
    this.#windows?.adopt()
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
    const failed = (rule: Rule | undefined, { header }: SecurityRecord, error: unknown) =>
      this.#log.error(
        { err: error, rule: rule?.type.alertType ?? 'Sigma', deviceId, eventId: header.eventId },
        'a rule failed',
      )
    const group = await this.#rules.groups.settingsFor(deviceId)
    if (nowMs < group.learningUntilMs) await this.#countMember(deviceId, memory)
    const rules = withCustom(this.#rules.alerts, await this.#rules.groups.rulesFor(deviceId))
    const { sets = [] } = this.#rules
    for (const finding of evaluateRecords(records, rules, memory, { group, sets, failed })) {
      for (const set of sets) set.note(finding)
      await this.#raise(finding, memory, nowMs)
    }
    for (const record of records) await this.#endDisconnection(record)
  }

  async #endDisconnection(record: SecurityRecord): Promise<void> {
    const key = missingKey(record)
    const alert = key === undefined ? undefined : await this.#newestWith(key)
    const ended = endDisconnection(alert, record)
    if (ended) this.#keep(ended, alert)
  }

  async #noteAgent({ message, decoded }: IngestedMessage): Promise<void> {
    const { deviceId } = message.ref
    const before = this.#agents.get(deviceId) ?? this.#known.get(deviceId)
    const after = updateAgent(before, message, decoded)
    this.#agents.set(deviceId, after)
    await this.#endSilence(before, after)
  }

  async #countRefused({ message, decoded }: IngestedMessage): Promise<void> {
    if (decoded.rejections.length === 0) return
    const memory = await this.#memoryOf(message.ref.deviceId)
    const finding = countRefused(memory, decoded.rejections)
    if (finding) await this.#raise(finding, memory, message.enqueuedTimeMs)
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
    const verdict = await this.#rules.judge.judge(found, nowMs)
    this.#noise.take(verdict, found, nowMs)
    if (verdict.kind !== 'raised') return
    const { finding } = verdict
    const existing = await this.#newestWith(dedupeKey(finding))
    if (!opensAlert(existing, finding) || admitAlert(memory, nowMs, finding)) {
      this.#keep(openOrUpdate(existing, finding, nowMs, randomUUID), existing)
      return
    }
    this.#noise.count({ reason: 'flood' }, finding, nowMs)
    const flood = floodFinding(finding)
    const before = await this.#newestWith(dedupeKey(flood))
    this.#keep(holdBack(before, flood, nowMs, randomUUID), before)
  }

  /** Of how many devices a group learned is known by each being counted once. */
  async #countMember(deviceId: string, memory: RuleMemory): Promise<void> {
    const group = await this.#rules.judge.groupOf(deviceId)
    if (memory.get(LEARNING)?.group === group) return
    memory.set(LEARNING, { group })
    this.#noise.member(group, deviceId)
  }

  async #newestWith(key: string): Promise<Alert | undefined> {
    return this.#newest.get(key) ?? (await this.#findings.findAlertByKey(key))
  }

  #keep(alert: Alert, before: Alert | undefined): void {
    if (alert === before) return
    this.#alerts.set(alert.id, alert)
    this.#newest.set(alert.dedupeKey, alert)
  }

  async #memoryOf(deviceId: string): Promise<Memory> {
    const known = this.#memories.get(deviceId)
    if (known) return known
    const memory = new Memory(deviceId, await this.#findings.findMemory(deviceId))
    this.#memories.set(deviceId, memory)
    return memory
  }
}

/** Joined once, since whoever evaluates sorts the rules of each list once. */
const joined = new WeakMap<readonly Rule[], WeakMap<readonly Rule[], readonly Rule[]>>()

/** The rules for all devices and those of a group's own. */
function withCustom(rules: readonly Rule[], custom: readonly Rule[]): readonly Rule[] {
  if (custom.length === 0) return rules
  const byCustom = joined.get(rules) ?? new WeakMap<readonly Rule[], readonly Rule[]>()
  joined.set(rules, byCustom)
  const all = byCustom.get(custom) ?? [...rules, ...custom]
  byCustom.set(custom, all)
  return all
}
