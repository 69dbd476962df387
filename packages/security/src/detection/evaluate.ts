import { DEFAULT_GROUP_SETTINGS, type GroupSettings } from '../groups/group-settings.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import { analyse } from './command/analyse.ts'
import type { Command } from './command/command.ts'
import type { AnalysedRecord, Match, Rule, RuleFinding, RuleMemory, RuleSet } from './rule.ts'

/** What a rule found in a record. */
export interface Finding {
  readonly rule: Pick<Rule, 'type'>
  readonly record: SecurityRecord
  readonly match: Match
  /** Which record of its event this is, counted from 0 within the records given. */
  readonly element: number
  /** Why it was to be expected: its alert opens as Resolved, with this as its note. */
  readonly maintenance?: string
}

/** Told of a rule that threw, which is a bug of that rule. */
export type RuleFailed = (
  /** Absent when it is one of a set. */
  rule: Rule | undefined,
  record: SecurityRecord,
  error: unknown,
) => void

/** What rules know beside the record. */
export interface EvaluationContext {
  /** Default `DEFAULT_GROUP_SETTINGS`. */
  readonly group?: GroupSettings
  /** Asked after the rules. */
  readonly sets?: readonly RuleSet[]
  /**
   * When given, a rule that throws is reported and the others still run, so that one bad record cannot
   * stop a device's stream; without it the error is thrown on.
   */
  readonly failed?: RuleFailed
}

/**
 * Lets every rule see the records that it wants, in order, and returns what they found. A command
 * line is analysed once however many records and rules share it. An aggregated record (`hits` > 1)
 * is one record and gives one finding per rule.
 *
 * Pure but for the memory, which rules read and set.
 *
 * @param records  of one device, since the memory is of one device, all events whole
 */
export function evaluateRecords(
  records: readonly SecurityRecord[],
  rules: readonly Rule[],
  memory: RuleMemory,
  { group = DEFAULT_GROUP_SETTINGS, sets = [], failed }: EvaluationContext = {},
): readonly Finding[] {
  const commands = new Map<string, Command>()
  const elements = new Map<string, number>()
  const findings: Finding[] = []
  for (const record of records) {
    const { eventId } = record.header
    const element = elements.get(eventId) ?? 0
    elements.set(eventId, element + 1)
    const wanted = wantedBy(rules, record.kind)
    const wantedSets = sets.filter(({ kinds }) => kinds.includes(record.kind))
    if (wanted.length === 0 && wantedSets.length === 0) continue
    const analysed = withCommand(record, commands)
    // Almost always there is no match, so nothing is made for those.
    for (const rule of wanted) {
      const match = tryRule(rule, analysed, { memory, group, failed })
      if (match) findings.push({ rule, record, match, element })
    }
    for (const set of wantedSets) {
      for (const found of trySet(set, analysed, failed))
        findings.push({ ...found, record, element })
    }
  }
  return findings
}

type RulesByKind = Map<SecurityRecord['kind'], readonly Rule[]>

/** Sorted once per list of rules, not once per record. */
const sorted = new WeakMap<readonly Rule[], RulesByKind>()

function wantedBy(rules: readonly Rule[], kind: SecurityRecord['kind']): readonly Rule[] {
  const byKind: RulesByKind = sorted.get(rules) ?? new Map()
  sorted.set(rules, byKind)
  const known = byKind.get(kind)
  if (known) return known
  const wanted = rules.filter(({ kinds }) => kinds.includes(kind))
  byKind.set(kind, wanted)
  return wanted
}

/** @param commands  those of earlier records, by their line */
export function withCommand(
  record: SecurityRecord,
  commands: Map<string, Command> = new Map(),
): AnalysedRecord {
  const line = record.kind === 'proc' || record.kind === 'conn' ? record.cmd : undefined
  if (line === undefined) return { record }
  const command = commands.get(line) ?? analyse(line)
  commands.set(line, command)
  return { record, command }
}

interface TrialContext {
  readonly memory: RuleMemory
  readonly group: GroupSettings
  readonly failed: RuleFailed | undefined
}

function tryRule(
  rule: Rule,
  analysed: AnalysedRecord,
  { memory, group, failed }: TrialContext,
): Match | undefined {
  if (!failed) return rule.evaluate(analysed, memory, group)
  try {
    return rule.evaluate(analysed, memory, group)
  } catch (error) {
    failed(rule, analysed.record, error)
    return undefined
  }
}

function trySet(
  set: RuleSet,
  analysed: AnalysedRecord,
  failed: RuleFailed | undefined,
): readonly RuleFinding[] {
  if (!failed) return set.evaluate(analysed)
  try {
    return set.evaluate(analysed)
  } catch (error) {
    failed(undefined, analysed.record, error)
    return []
  }
}
