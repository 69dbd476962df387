import { openPorts } from './open-ports.ts'
import type { RecommendationRule } from './rule.ts'

/** What a security group says about recommendations. */
export interface RecommendationSettings {
  /** Listeners that are wanted: `tcp/22`, `tcp/0.0.0.0:443`, `udp/*:5353`. */
  readonly allowedListeners?: readonly string[]
}

/**
 * Every recommendation; a further one is one file and one line here.
 *
 * @throws {HubError} `ArgumentInvalid` for settings that cannot be read
 */
export function recommendationRules({
  allowedListeners = [],
}: RecommendationSettings = {}): readonly RecommendationRule[] {
  return [openPorts(allowedListeners)]
}
