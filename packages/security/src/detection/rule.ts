import type { JsonObject } from '@twinward/protocol'
import type { GroupSettings } from '../groups/group-settings.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import type { AlertEntity, Intent, Severity } from './alert.ts'

/** The texts and facts of one alert type: the same for every alert of it. */
export interface AlertType {
  /** Number in the catalogue (docs/security/alerts); 0 for those that are not in it. */
  readonly number: number
  /** The published type, spelled as published. */
  readonly alertType: string
  readonly displayName: string
  readonly severity: Severity
  readonly intent: Intent
  readonly description: string
  readonly remediationSteps: readonly string[]
  readonly techniques: readonly string[]
}

/** What a rule found in one record. */
export interface Match {
  /** The thing found, e.g. the command: with device and type the dedupe key. */
  readonly key: string
  /** Overrides the type's severity. */
  readonly severity?: Severity
  /** For a person: what was seen, at most 512 characters. */
  readonly summary: string
  readonly entities: readonly AlertEntity[]
  readonly extendedProperties: { readonly [name: string]: string }
  /** The event that it happened in, when that is not the record in which it was noticed. */
  readonly observed?: { readonly eventId: string; readonly timeMs: number }
  /** The fire drill that it belongs to; no rule sets it. */
  readonly drill?: string
}

/** Small values that rules keep about the record's device; `set` takes effect with the commit. */
export interface RuleMemory {
  get(name: string): JsonObject | undefined
  set(name: string, value: JsonObject): void
}

/**
 * One thing that must hold for a rule to match, in words: why a rule did not match is told by the
 * first that does not hold.
 */
export interface Condition {
  /** A clause that is true when it holds: `rm deletes recursively`. */
  readonly says: string
  /** The records that it is about. */
  readonly kinds: readonly SecurityRecord['kind'][]
  /** Asked when all before it hold; absent: what is left for the rule itself to decide. */
  readonly holds?: (record: AnalysedRecord, memory: RuleMemory, group: GroupSettings) => boolean
  /** How far it is, where it depends on what came before: `3 of 5 so far`. */
  readonly state?: (record: AnalysedRecord, memory: RuleMemory) => string
}

/** One rule: one file in `rules/`, listed once in `rules/index.ts`. Pure but for its memory. */
export interface Rule {
  readonly type: AlertType
  /** Which records it wants to see. */
  readonly kinds: readonly SecurityRecord['kind'][]
  /** @param group  what the device's security group says */
  evaluate(record: AnalysedRecord, memory: RuleMemory, group: GroupSettings): Match | undefined
  /** All of them hold when it matches; for each kind of records the last is the rule's own. */
  readonly conditions?: readonly Condition[]
}

/** What a rule of a set found. */
export interface RuleFinding {
  readonly rule: Pick<Rule, 'type'>
  readonly match: Match
}

/** Rules that are judged together, since they share nearly all of the work: the Sigma rules. */
export interface RuleSet {
  /** Which records it wants to see now; others may be asked for later. */
  readonly kinds: readonly SecurityRecord['kind'][]
  evaluate(record: AnalysedRecord): readonly RuleFinding[]
  /** Told of what records of messages brought, its own and others; not of what is only explained. */
  note(finding: Pick<RuleFinding, 'rule'> & { readonly record: SecurityRecord }): void
}

/** A record with the analysis of its command line, made once for all rules. */
export interface AnalysedRecord {
  readonly record: SecurityRecord
  /** Present when the record has a command line. */
  readonly command?: import('./command/command.ts').Command
}
