/** What of a rule cannot be used, by kind: what summaries count. */
export const REASON_CODES = [
  'logsource',
  'field',
  'modifier',
  'regex',
  'value',
  'condition',
  'aggregation',
  'correlation',
  'limit',
] as const
export type ReasonCode = (typeof REASON_CODES)[number]

export interface Reason {
  readonly code: ReasonCode
  /** For a person: what and where. */
  readonly text: string
}

/** Reasons of one rule that are kept. */
const MAX_REASONS = 20

/** What was found wrong while a rule was read; reading goes on, so that all is named at once. */
export class Reasons {
  readonly #found = new Map<string, Reason>()

  get list(): readonly Reason[] {
    return [...this.#found.values()].slice(0, MAX_REASONS)
  }

  add(code: ReasonCode, text: string): void {
    this.#found.set(`${code} ${text}`, { code, text })
  }
}
