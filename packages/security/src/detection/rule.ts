import type { JsonObject } from '@twinward/protocol'
import type { GroupSettings } from '../groups/group-settings.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import type { AlertEntity, Intent, Severity } from './alert.ts'

/** The texts and facts of one alert type: the same for every alert of it. */
export interface AlertType {
  /** Number in the catalogue (docs/security/alerts). */
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
}

/** Small values that rules keep about the record's device; `set` takes effect with the commit. */
export interface RuleMemory {
  get(name: string): JsonObject | undefined
  set(name: string, value: JsonObject): void
}

/** One rule: one file in `rules/`, listed once in `rules/index.ts`. Pure but for its memory. */
export interface Rule {
  readonly type: AlertType
  /** Which records it wants to see. */
  readonly kinds: readonly SecurityRecord['kind'][]
  /** @param group  what the device's security group says */
  evaluate(record: AnalysedRecord, memory: RuleMemory, group: GroupSettings): Match | undefined
}

/** A record with the analysis of its command line, made once for all rules. */
export interface AnalysedRecord {
  readonly record: SecurityRecord
  /** Present when the record has a command line. */
  readonly command?: import('./command/command.ts').Command
}
