import { setImmediate } from 'node:timers/promises'
import { HubError } from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import type { FindingStore } from '../../data/finding-store.ts'
import type { GroupLookup } from '../../groups/group-lookup.ts'
import type { GroupSettings } from '../../groups/group-settings.ts'
import { normalise } from '../../ingestion/normalise.ts'
import type { EventHeader, SecurityEvent, SecurityRecord } from '../../ingestion/record.ts'
import { type QueryEvents, replayEvents } from '../../ingestion/replay.ts'
import type { Alert } from '../alert.ts'
import { dedupeKey } from '../alerts.ts'
import type { Command } from '../command/command.ts'
import { Memory } from '../device-memory.ts'
import { evaluateRecords, withCommand } from '../evaluate.ts'
import { alertFlood } from '../flood.ts'
import type { Judge } from '../noise/verdict.ts'
import type { AlertType, AnalysedRecord, Rule, RuleSet } from '../rule.ts'
import { explainRule, type RuleAnswer } from './explain-rule.ts'
import { type Explained, inWords, OUTCOMES } from './outcome.ts'

/** Records of one event that are explained; the rest of a large snapshot says the same. */
export const MAX_EXPLAINED_RECORDS = 200
/** Alerts of the device around the event that are looked at. */
const MAX_ALERTS = 1_000

interface Ports {
  readonly query: QueryEvents
  readonly findings: Pick<FindingStore, 'findMemory' | 'listAlerts'>
  readonly groups: GroupLookup
  readonly clock: Clock
}

/** What explanations go by. */
interface Judged {
  readonly rules: readonly Rule[]
  /** Loaded rules, which only answer when they match or are asked for by name. */
  readonly sets?: readonly RuleSet[]
  readonly loaded?: LoadedRules
  readonly judge: Judge
}

/** Rules that operators loaded, one by one. */
export interface LoadedRules {
  typeOf(alertType: string): AlertType | undefined
  /** Why a rule is quiet about a record; `undefined` when there is no such rule to ask. */
  explain(alertType: string, record: AnalysedRecord): RuleAnswer | undefined
}

/** Why an event did or did not raise alerts. */
export interface Explanation {
  readonly header: EventHeader
  /** Records that the event holds, and those of them that were asked about. */
  readonly records: number
  readonly explained: number
  /** The kinds of the records. */
  readonly kinds: readonly SecurityRecord['kind'][]
  /** Rules, settings and memory are those of this time. */
  readonly asOfMs: number
  /** One entry per rule: what raised an alert first, then what was held back, then what is quiet. */
  readonly rules: readonly Explained[]
}

/** Everything about one event that all rules are asked with. */
interface Asked {
  readonly deviceId: string
  readonly memory: Memory
  readonly group: GroupSettings
  readonly alerts: readonly Alert[]
  readonly nowMs: number
}

/** Tells why a stored event did, or did not, raise an alert. */
export class Explanations {
  readonly #ports: Ports
  readonly #judged: Judged

  constructor(ports: Ports, judged: Judged) {
    this.#ports = ports
    this.#judged = judged
  }

  /**
   * @param alertType  only this rule; default: every rule
   * @throws {HubError} `GenericNotFound` when the event is not stored, or no rule has the type
   */
  async explain(deviceId: string, eventId: string, alertType?: string): Promise<Explanation> {
    const { findings, groups, clock } = this.#ports
    const event = await this.#read(deviceId, eventId)
    const custom = await groups.rulesFor(deviceId)
    const rules = [...this.#judged.rules, ...custom].filter(
      ({ type }) => alertType === undefined || type.alertType === alertType,
    )
    const { timeMs } = event.header
    const around = { deviceId, fromMs: timeMs, toMs: timeMs + 1, limit: MAX_ALERTS }
    const asked: Asked = {
      deviceId,
      memory: new Memory(deviceId, await findings.findMemory(deviceId)),
      group: await groups.settingsFor(deviceId),
      alerts: (await findings.listAlerts(around)).items,
      nowMs: clock.now(),
    }
    const records = normalise(event)
    const some = records.slice(0, MAX_EXPLAINED_RECORDS)
    const analysed = analyse(some)
    const answers = await this.#explainSets(some, alertType, asked)
    for (const rule of rules) {
      // Records hold what devices chose; others are served in between.
      await setImmediate()
      answers.push(await this.#explainRule(rule, analysed, asked))
    }
    const loaded = alertType !== undefined && answers.length === 0
    if (loaded) answers.push(...this.#explainLoaded(alertType, analysed))
    if (answers.length === 0) {
      const text = `No rule ${(alertType ?? '').slice(0, 128)} is asked about this event.`
      throw new HubError('GenericNotFound', text)
    }
    answers.sort((a, b) => OUTCOMES.indexOf(a.outcome) - OUTCOMES.indexOf(b.outcome))
    return {
      header: event.header,
      records: records.length,
      explained: some.length,
      kinds: [...new Set(records.map(({ kind }) => kind))],
      asOfMs: asked.nowMs,
      rules: answers,
    }
  }

  async #read(deviceId: string, eventId: string): Promise<SecurityEvent> {
    for await (const event of replayEvents(this.#ports.query, { deviceId, eventId })) return event
    throw new HubError(
      'GenericNotFound',
      `No event ${eventId.slice(0, 128)} of device ${deviceId.slice(0, 128)} is stored: it was ` +
        'refused or lost to limits, it is older than events are kept, or it never came.',
    )
  }

  /** Loaded rules are many; only those that match are told of, each once. */
  async #explainSets(
    records: readonly SecurityRecord[],
    alertType: string | undefined,
    asked: Asked,
  ): Promise<Explained[]> {
    const { sets = [] } = this.#judged
    const answers = new Map<string, Explained>()
    for (const { rule, record, match, element } of evaluateRecords(records, [], asked.memory, {
      sets,
    })) {
      const type = rule.type.alertType
      if (answers.has(type) || (alertType !== undefined && alertType !== type)) continue
      const about = { record, element, answer: { kind: 'matched', match } as const }
      answers.set(type, await this.#tell(rule, about, asked))
    }
    return [...answers.values()]
  }

  /** A loaded rule that did not match, by name: the first record that it is asked about tells. */
  #explainLoaded(alertType: string, records: readonly AnalysedRecord[]): readonly Explained[] {
    const { loaded } = this.#judged
    const type = loaded?.typeOf(alertType)
    if (!loaded || !type) return []
    const { displayName } = type
    for (const [element, record] of records.entries()) {
      const answer = loaded.explain(alertType, record)
      const what = { alertType, displayName, element }
      if (answer?.kind === 'failed') return [inWords(what, { outcome: 'quiet', answer })]
    }
    return [inWords({ alertType, displayName, element: 0 }, { outcome: 'notAsked' })]
  }

  /** The answer for the record that got furthest. */
  async #explainRule(
    rule: Rule,
    records: readonly AnalysedRecord[],
    asked: Asked,
  ): Promise<Explained> {
    const { alertType, displayName } = rule.type
    let best: Explained = inWords({ alertType, displayName, element: 0 }, { outcome: 'notAsked' })
    let furthest = -1
    for (const [element, analysed] of records.entries()) {
      const answer = answerOf(rule, analysed, asked)
      if (answer.kind === 'notAsked') continue
      const told = await this.#tell(rule, { record: analysed.record, element, answer }, asked)
      const rank = OUTCOMES.indexOf(told.outcome) - OUTCOMES.indexOf(best.outcome)
      const distance = answer.kind === 'failed' ? answer.held.length : 0
      if (rank > 0 || (rank === 0 && distance <= furthest)) continue
      best = told
      furthest = distance
    }
    return best
  }

  async #tell(
    rule: Pick<Rule, 'type'>,
    about: { record: SecurityRecord; element: number; answer: RuleAnswer },
    { alerts, nowMs }: Asked,
  ): Promise<Explained> {
    const { record, element, answer } = about
    const { alertType, displayName } = rule.type
    const what = { alertType, displayName, element }
    const { eventId } = record.header
    const own = alerts.find(
      (alert) => alert.alertType === alertType && tells(alert, record, element),
    )
    if (own) {
      const isFirst = own.evidence[0]?.eventId === eventId
      return inWords(what, { outcome: isFirst ? 'raised' : 'counted', alert: own, isNamed: true })
    }
    const flood = alerts.find((alert) => isFloodOf(alert, alertType, eventId))
    if (flood) return inWords(what, { outcome: 'flood', alert: flood })
    if (answer.kind !== 'matched') return inWords(what, { outcome: 'quiet', answer })
    const finding = { rule, record, element, match: answer.match }
    const verdict = await this.#judged.judge.judge(finding, nowMs)
    if (verdict.kind !== 'raised') return inWords(what, { outcome: verdict.kind, verdict })
    const key = dedupeKey(verdict.finding)
    // One that kept all its evidence would name the event.
    const same = alerts.find(
      ({ dedupeKey: own, count, evidence }) => own === key && count > evidence.length,
    )
    if (same) return inWords(what, { outcome: 'counted', alert: same })
    return inWords(what, { outcome: 'notRaised', match: answer.match })
  }
}

function analyse(records: readonly SecurityRecord[]): readonly AnalysedRecord[] {
  const commands = new Map<string, Command>()
  return records.map((record) => withCommand(record, commands))
}

/** A rule that throws is a bug of that rule; the others are explained all the same. */
function answerOf(rule: Rule, analysed: AnalysedRecord, { memory, group }: Asked): RuleAnswer {
  try {
    return explainRule(rule, analysed, memory, group)
  } catch {
    return { kind: 'failed', condition: 'the rule does not fail with an error', held: [] }
  }
}

function tells({ evidence }: Alert, { header }: SecurityRecord, element: number): boolean {
  return evidence.some(
    (one) =>
      one.eventId === header.eventId && (one.element === undefined || one.element === element),
  )
}

function isFloodOf(alert: Alert, alertType: string, eventId: string): boolean {
  const isMeant = (one: Alert['evidence'][number]) =>
    one.eventId === eventId && one.summary.startsWith(`${alertType}:`)
  return alert.alertType === alertFlood.alertType && alert.evidence.some(isMeant)
}
