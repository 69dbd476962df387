import type { JsonObject } from '@twinward/protocol'
import type { GroupSettings } from '../../groups/group-settings.ts'
import type { AnalysedRecord, Condition, Match, Rule, RuleMemory } from '../rule.ts'

/** Why a rule did or did not match a record. */
export type RuleAnswer =
  | { readonly kind: 'matched'; readonly match: Match }
  /** The rule does not look at such records. */
  | { readonly kind: 'notAsked' }
  | {
      readonly kind: 'failed'
      /** The first condition that does not hold, as a clause that would be true. */
      readonly condition: string
      /** How far it is, where it depends on what came before. */
      readonly state?: string
      /** Those before it, which hold. */
      readonly held: readonly string[]
    }

/**
 * Asks a rule about a record without leaving a trace in the memory, and names the first of its
 * conditions that does not hold.
 *
 * @param memory  as it is now: a rule on a sequence answers as if the record came now
 */
export function explainRule(
  rule: Rule,
  record: AnalysedRecord,
  memory: RuleMemory,
  group: GroupSettings,
): RuleAnswer {
  const { kind } = record.record
  if (!rule.kinds.includes(kind)) return { kind: 'notAsked' }
  const match = rule.evaluate(record, new Scratch(memory), group)
  if (match) return { kind: 'matched', match }
  const conditions = (rule.conditions ?? []).filter(({ kinds }) => kinds.includes(kind))
  const holds = (condition: Condition) =>
    condition.holds?.(record, new Scratch(memory), group) ?? false
  const at = conditions.findIndex((condition) => !holds(condition))
  const failed = conditions[at]
  if (!failed) return { kind: 'failed', condition: 'what the rule looks for is there', held: [] }
  const state = failed.state?.(record, new Scratch(memory)) ?? ''
  const held = conditions.slice(0, at).map(({ says }) => says)
  return { kind: 'failed', condition: failed.says, held, ...(state && { state }) }
}

/** Reads through to the device's memory, and keeps what is set to itself. */
class Scratch implements RuleMemory {
  readonly #below: RuleMemory
  readonly #own = new Map<string, JsonObject>()

  constructor(below: RuleMemory) {
    this.#below = below
  }

  get(name: string): JsonObject | undefined {
    return this.#own.get(name) ?? this.#below.get(name)
  }

  set(name: string, value: JsonObject): void {
    this.#own.set(name, value)
  }
}
