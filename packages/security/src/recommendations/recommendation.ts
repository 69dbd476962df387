import type { Severity } from '../detection/alert.ts'

export type RecommendationState = 'Active' | 'Resolved' | 'Exempt'

/** "This should change" on one device; stays open until the state improves. Id `<type>|<deviceId>`. */
export interface Recommendation {
  readonly id: string
  readonly deviceId: string
  readonly recommendationType: string
  readonly displayName: string
  readonly description: string
  readonly remediationSteps: readonly string[]
  readonly severity: Severity
  readonly state: RecommendationState
  readonly discoveredTimeMs: number
  readonly stateChangedMs: number
  readonly resolvedTimeMs: number
  /** How many times it came back after it was resolved. */
  readonly reopened: number
  /** JSON texts per key, e.g. `Endpoints`: `["0.0.0.0:25324"]`. */
  readonly additionalData: { readonly [key: string]: string }
  readonly exemptReason: string
}
