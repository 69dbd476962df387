import type { SecurityRecord } from '../ingestion/record.ts'
import type { Assessment, RecommendationType } from './recommendation.ts'

/** One recommendation: one file, listed once in `index.ts`. Pure. */
export interface RecommendationRule {
  readonly type: RecommendationType
  /** Which records it wants to see: complete snapshots, so that an empty one says something. */
  readonly kinds: readonly SecurityRecord['kind'][]
  /** `undefined`: the record says nothing about this. */
  evaluate(record: SecurityRecord): Assessment | undefined
}
