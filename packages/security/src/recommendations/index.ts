import { baseline, benchmarkChecks } from './baseline.ts'
import { configurationRules } from './configuration-errors.ts'
import { economyRules } from './economy.ts'
import { firewallRules } from './firewall.ts'
import { openPorts } from './open-ports.ts'
import type { RecommendationFamily, RecommendationRule } from './rule.ts'

/** Every recommendation that records tell; a further one is one file and one line here. */
export function recommendationRules(): readonly RecommendationRule[] {
  return [openPorts, ...firewallRules, baseline, ...economyRules, ...configurationRules]
}

/** Those whose types are made of what records hold. */
export function recommendationFamilies(): readonly RecommendationFamily[] {
  return [benchmarkChecks]
}
