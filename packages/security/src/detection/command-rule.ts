import type { ProcessRecord, SecurityRecord } from '../ingestion/record.ts'
import type { AlertEntity, Severity } from './alert.ts'
import type { Command, Segment } from './command/command.ts'
import { printable } from './printable.ts'
import type { AlertType, AnalysedRecord, Condition, Match, Rule } from './rule.ts'

/** Characters of a value in an alert's entities and extended properties. */
export const MAX_VALUE_CHARACTERS = 2048

/** Characters of a match's summary. */
export const MAX_SUMMARY_CHARACTERS = 512

/** What a rule saw in a command line. */
export interface Clue {
  /** What the command does, as a clause: `iptables drops all of its rules`. */
  readonly seen: string
  /** The thing found, when it is not the command line. */
  readonly key?: string
  /** When this one is milder or worse than its type. */
  readonly severity?: Severity
}

/** What a rule on command lines is: one function from an analysed line to a clue. */
export type FindClue = (command: Command, record: ProcessRecord) => Clue | undefined

/** Asked of each segment in turn, with its place; text is a clue without anything else. */
export type FindSegmentClue = (
  segment: Segment,
  at: number,
  command: Command,
) => Clue | string | undefined

/** A rule that looks only at the command lines of started processes. */
export function commandRule(
  type: AlertType,
  find: FindClue,
  conditions: readonly Condition[] = [],
): Rule {
  const evaluate: Rule['evaluate'] = (analysed) => matchCommand(analysed, find)
  return { type, kinds: ['proc'], evaluate, conditions }
}

/** A rule that asks each segment of a command line by itself; the first answer counts. */
export function segmentRule(
  type: AlertType,
  find: FindSegmentClue,
  conditions: readonly Condition[] = [],
): Rule {
  return commandRule(type, (command) => firstClue(command, find), conditions)
}

/** What the first segment with an answer says. */
export function firstClue(command: Command, find: FindSegmentClue): Clue | undefined {
  const { segments } = command
  for (let at = 0; at < segments.length; at++) {
    const segment = segments[at]
    const clue = segment && find(segment, at, command)
    if (clue !== undefined) return typeof clue === 'string' ? { seen: clue } : clue
  }
  return undefined
}

/** The part of a rule that looks at the command line of a started process. */
export function matchCommand(analysed: AnalysedRecord, find: FindClue): Match | undefined {
  const { record, command } = analysed
  if (record.kind !== 'proc' || record.type !== 'exec' || !command) return undefined
  const clue = find(command, record)
  if (!clue) return undefined
  return {
    key: clue.key ?? command.line,
    ...(clue.severity && { severity: clue.severity }),
    summary: summarise(clue.seen, command.line || record.exe),
    entities: entities(record, [processEntity(record), accountEntity(record.user, record.uid)]),
    extendedProperties: cutValues({
      CommandLine: record.cmd,
      'User Name': record.user,
      UserId: record.uid,
      ParentProcessId: String(record.ppid),
      DeviceId: record.header.ref.deviceId,
    }),
  }
}

/** `seen: detail`, printable and cut. */
export function summarise(seen: string, detail: string): string {
  return printable(detail === '' ? seen : `${seen}: ${detail}`, MAX_SUMMARY_CHARACTERS)
}

/** The host, then these; values printable and cut. */
export function entities(
  { header }: SecurityRecord,
  others: readonly AlertEntity[],
): readonly AlertEntity[] {
  const host: AlertEntity = { type: 'host', hostName: header.ref.deviceId }
  return [host, ...others].map((entity) => ({ ...cutValues(entity), type: entity.type }))
}

export function cutValues(values: { readonly [name: string]: string }): {
  [name: string]: string
} {
  const cut = Object.entries(values).map(([name, value]) => [
    name,
    printable(value, MAX_VALUE_CHARACTERS),
  ])
  return Object.fromEntries(cut)
}

function processEntity({ cmd, exe, pid, ppid }: ProcessRecord): AlertEntity {
  return {
    type: 'process',
    processId: String(pid),
    parentProcessId: String(ppid),
    imageFile: exe,
    commandLine: cmd,
  }
}

export function accountEntity(name: string, userId: string): AlertEntity {
  return { type: 'account', name, userId }
}
