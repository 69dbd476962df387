import { formatDuration, HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import { compileRules } from '../detection/custom/compile.ts'
import { CUSTOM_ALERT_TYPES } from '../detection/custom/custom-type.ts'
import { evaluateRecords, type Finding } from '../detection/evaluate.ts'
import { printable } from '../detection/printable.ts'
import type { RuleMemory } from '../detection/rule.ts'
import { normalise } from '../ingestion/normalise.ts'
import type { SecurityEvent } from '../ingestion/record.ts'
import { type QueryEvents, replayEvents } from '../ingestion/replay.ts'
import { customAlertTypeName } from './rule-types.ts'
import type { GroupRules } from './security-group.ts'
import { WindowTrial } from './window-trial.ts'

/** Elements of stored events that one run looks at, those of other groups among them. */
export const MAX_DRY_RUN_ROWS = 200_000
/** A run ends between two moments, unless one moment has more than it has room for. */
const MAX_ROWS_OF_RUN_AND_MOMENT = 2 * MAX_DRY_RUN_ROWS
/** How long one run may take. */
export const MAX_DRY_RUN_MS = 10_000
/** Devices of the group that one run looks at. */
export const MAX_DRY_RUN_DEVICES = 10_000
/** Runs at the same time. */
export const MAX_DRY_RUNS = 2
/** Places named of one rule: the newest. */
export const MAX_PLACES = 20
/** Different values counted of one rule. */
export const MAX_COUNTED_VALUES = 1_000
/** Values named of one rule: the most frequent. */
export const MAX_NAMED_VALUES = 20
/** How far a run goes back. */
export const DEFAULT_DRY_RUN_DAYS = 7
const DAY_MS = 24 * 3_600_000
/** Characters of a value. */
const MAX_VALUE_CHARACTERS = 256

export interface DryRunRequest {
  /** In lower case. */
  readonly group: string
  readonly rules: GroupRules
  /** Event time, inclusive; default `days` before the end. */
  readonly fromMs?: number
  /** Event time, exclusive; default now. */
  readonly toMs?: number
  /** Default `DEFAULT_DRY_RUN_DAYS`. */
  readonly days?: number
  readonly deviceId?: string
}

/** Where a rule would have fired. */
export interface DryRunPlace {
  readonly deviceId: string
  readonly timeMs: number
  readonly eventId: string
  readonly element: number
  /** What was found: an address, a program, a user, a name, a count. */
  readonly value: string
  readonly summary: string
}

export interface RuleOutcome {
  readonly ruleType: string
  readonly alertType: string
  /** Findings; those of one value within an hour would have been one alert. */
  readonly fired: number
  readonly places: readonly DryRunPlace[]
  /** The most frequent first. */
  readonly values: readonly { readonly value: string; readonly count: number }[]
}

export interface DryRunOutcome {
  readonly fromMs: number
  readonly toMs: number
  /** Enabled rules that stored events decide, also those that would not have fired. */
  readonly rules: readonly RuleOutcome[]
  /** Of the group. */
  readonly events: number
  readonly devices: number
  /** All events from then on were looked at; `fromMs` when the run is complete. */
  readonly coveredFromMs: number
  readonly isComplete: boolean
  /** Why it is not complete; empty when it is. */
  readonly reason: string
}

interface Ports {
  readonly query: QueryEvents
  readonly groupOf: (deviceId: string) => Promise<string>
  readonly clock: Clock
}

/**
 * What rules would have found in stored events. Nothing is raised, stored or remembered. Devices
 * count with the group that they are in now.
 */
export class DryRun {
  readonly #ports: Ports
  #running = 0

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /**
   * Goes back from the newest event, as far as the limits allow; a further run `toMs` where this one
   * ended goes on.
   *
   * @throws {HubError} `ServiceUnavailable` when `MAX_DRY_RUNS` are under way; `ArgumentInvalid` for
   *   an end before its beginning
   */
  async run(request: DryRunRequest): Promise<DryRunOutcome> {
    if (this.#running >= MAX_DRY_RUNS) {
      throw new HubError('ServiceUnavailable', `At most ${MAX_DRY_RUNS} dry runs at a time.`)
    }
    this.#running++
    try {
      return await this.#run(request)
    } finally {
      this.#running--
    }
  }

  async #run({ group, rules, deviceId, ...asked }: DryRunRequest): Promise<DryRunOutcome> {
    const { query, groupOf, clock } = this.#ports
    const { fromMs, toMs } = timesOf(asked, clock.now())
    const compiled = compileRules(rules)
    const windows = WindowTrial.of(rules.timeWindowRules)
    const alertTypes = [...compiled.map(({ type }) => type.alertType), ...windows.map(alertTypeOf)]
    const tallies = new Map(alertTypes.map((alertType) => [alertType, new Tally()]))
    const devices = new Set<string>()
    const endMs = clock.now() + MAX_DRY_RUN_MS
    let [rows, events, lastMs, reason] = [0, 0, toMs, '']
    const filter = { fromMs, toMs, ...(deviceId !== undefined && { deviceId }) }
    for await (const event of replayEvents(query, filter)) {
      const { timeMs, ref } = event.header
      // All of one moment or nothing of it, so that the next run can go on before it.
      // The first moment is looked at however late it is, so that every run gets further.
      if (rows > 0 && timeMs < lastMs)
        reason = limitReached(rows, devices.size, clock.now() >= endMs)
      else if (rows >= MAX_ROWS_OF_RUN_AND_MOMENT) reason = MOMENT_TOO_FULL
      if (reason !== '') break
      lastMs = timeMs
      rows += Math.max(event.payload.length, 1)
      if ((await groupOf(ref.deviceId)) !== group) continue
      events++
      devices.add(ref.deviceId)
      const records = normalise(event)
      for (const finding of evaluateRecords(records, compiled, NO_MEMORY)) {
        tallies.get(finding.rule.type.alertType)?.add(placeOf(finding))
      }
      for (const trial of windows) {
        const over = records.findIndex((record) => trial.take(record))
        if (over >= 0) tallies.get(alertTypeOf(trial))?.add(windowPlace(trial, event, over))
      }
    }
    const isComplete = reason === ''
    const coveredFromMs = isComplete ? fromMs : lastMs
    const outcomes = alertTypes.map((alertType) => outcomeOf(alertType, tallies))
    const looked = { fromMs, toMs, events, devices: devices.size }
    return { ...looked, rules: outcomes, coveredFromMs, isComplete, reason }
  }
}

function timesOf(
  { days = DEFAULT_DRY_RUN_DAYS, ...asked }: Pick<DryRunRequest, 'fromMs' | 'toMs' | 'days'>,
  nowMs: number,
): { readonly fromMs: number; readonly toMs: number } {
  const toMs = asked.toMs ?? nowMs
  const fromMs = asked.fromMs ?? toMs - days * DAY_MS
  if (fromMs < toMs) return { fromMs, toMs }
  throw new HubError('ArgumentInvalid', 'The beginning of a dry run lies before its end.')
}

/** Rules of groups remember nothing. */
const NO_MEMORY: RuleMemory = { get: () => undefined, set: () => {} }

const MOMENT_TOO_FULL =
  'Too many rows have one and the same time; those that were not read are passed over.'

function limitReached(rows: number, devices: number, isLate: boolean): string {
  if (isLate) return `It took ${MAX_DRY_RUN_MS / 1000} s, which is the most for one run.`
  if (rows >= MAX_DRY_RUN_ROWS) return `${rows} rows were read, about the most for one run.`
  if (devices < MAX_DRY_RUN_DEVICES) return ''
  return `${devices} devices were looked at, which is the most for one run.`
}

const RULE_TYPE_OF: ReadonlyMap<string, string> = new Map(
  Array.from(CUSTOM_ALERT_TYPES, ([ruleType, { alertType }]) => [alertType, ruleType]),
)

function outcomeOf(alertType: string, tallies: ReadonlyMap<string, Tally>): RuleOutcome {
  const ruleType = RULE_TYPE_OF.get(alertType) ?? alertType
  const { fired, places, values } = tallies.get(alertType) ?? new Tally()
  return { ruleType, alertType, fired, places, values: mostFrequent(values) }
}

function placeOf({ record, match, element }: Finding): DryRunPlace {
  const { ref, timeMs, eventId } = record.header
  // A threshold has no value but its count.
  const found = match.key || (match.extendedProperties.Count ?? '')
  const value = printable(found, MAX_VALUE_CHARACTERS)
  return { deviceId: ref.deviceId, timeMs, eventId, element, value, summary: match.summary }
}

function windowPlace(
  { rule }: WindowTrial,
  { header }: SecurityEvent,
  element: number,
): DryRunPlace {
  const { ref, timeMs, eventId } = header
  const value = `more than ${rule.maxThreshold}`
  const summary = `${value} in ${formatDuration(rule.timeWindowMs)}`
  return { deviceId: ref.deviceId, timeMs, eventId, element, value, summary }
}

function alertTypeOf({ rule }: WindowTrial): string {
  return customAlertTypeName(rule.ruleType)
}

/** What one rule found so far. */
class Tally {
  fired = 0
  readonly places: DryRunPlace[] = []
  readonly values = new Map<string, number>()

  add(place: DryRunPlace): void {
    const { value } = place
    this.fired++
    if (this.places.length < MAX_PLACES) this.places.push(place)
    if (this.values.has(value) || this.values.size < MAX_COUNTED_VALUES) {
      this.values.set(value, (this.values.get(value) ?? 0) + 1)
    }
  }
}

function mostFrequent(values: ReadonlyMap<string, number>): RuleOutcome['values'] {
  return Array.from(values, ([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, MAX_NAMED_VALUES)
}
