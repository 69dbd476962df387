import type { ConnectionRecord, ProcessRecord, SecurityRecord } from '../../ingestion/record.ts'
import type { Command, Segment } from '../command/command.ts'
import type { AnalysedRecord, Condition, RuleMemory } from '../rule.ts'

/**
 * How the conditions of rules are written down. Each list begins with what must hold for the rule to
 * be asked at all and ends with a clause that the rule itself decides, so that no list can say
 * something else than its rule does.
 */

/** A clause that is true when it holds, and the question. */
type Part<T extends readonly unknown[]> = readonly [says: string, holds: (...given: T) => boolean]

/** How far a sequence is, for clauses that depend on what came before. */
type TellState<T> = (record: T, memory: RuleMemory) => string

const STARTED: Condition = {
  says: 'a process is started, and its command line is known',
  kinds: ['proc'],
  holds: ({ record, command }) =>
    record.kind === 'proc' && record.type === 'exec' && command !== undefined,
}

/** Of one command of a line: each part must hold for the command for which those before hold. */
export function inLine(
  parts: readonly Part<[Segment, number, Command]>[],
  last: string,
): readonly Condition[] {
  const conditions = parts.map(([says], at): Condition => {
    const tests = parts.slice(0, at + 1).map(([, holds]) => holds)
    return {
      says,
      kinds: ['proc'],
      holds: ({ command }) =>
        command?.segments.some((segment, place) =>
          tests.every((test) => test(segment, place, command)),
        ) ?? false,
    }
  })
  return [STARTED, ...conditions, { says: last, kinds: ['proc'] }]
}

/** Of a whole command line. */
export function ofLine(
  parts: readonly Part<[Command, ProcessRecord, RuleMemory]>[],
  last: string,
  state?: (command: Command, record: ProcessRecord, memory: RuleMemory) => string,
): readonly Condition[] {
  const conditions = parts.map(
    ([says, holds]): Condition => ({
      says,
      kinds: ['proc'],
      holds: ({ record, command }, memory) =>
        record.kind === 'proc' && command !== undefined && holds(command, record, memory),
    }),
  )
  const tell = ({ record, command }: AnalysedRecord, memory: RuleMemory) =>
    state && record.kind === 'proc' && command ? state(command, record, memory) : ''
  return [STARTED, ...conditions, { says: last, kinds: ['proc'], ...(state && { state: tell }) }]
}

/** Of a connection. */
export function ofConnection(
  parts: readonly Part<[ConnectionRecord, RuleMemory]>[],
  last: string,
  state?: TellState<ConnectionRecord>,
): readonly Condition[] {
  return ofRecord(['conn'], parts, last, state)
}

/** Of the records of some kinds, all of one type. */
export function ofRecord<T extends SecurityRecord>(
  kinds: readonly T['kind'][],
  parts: readonly Part<[T, RuleMemory]>[],
  last: string,
  state?: TellState<T>,
): readonly Condition[] {
  const conditions = parts.map(
    ([says, holds]): Condition => ({
      says,
      kinds,
      holds: ({ record }, memory) => holds(record as T, memory),
    }),
  )
  const tell = ({ record }: AnalysedRecord, memory: RuleMemory) =>
    state?.(record as T, memory) ?? ''
  return [...conditions, { says: last, kinds, ...(state && { state: tell }) }]
}
