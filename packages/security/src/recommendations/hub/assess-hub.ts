import {
  assessDenyAll,
  assessObserved,
  assessRanges,
  denyAllType,
  permissiveRuleType,
  recommendedRulesType,
} from '../ip-filter.ts'
import type { Assessment, RecommendationType } from '../recommendation.ts'
import type { Verdict } from '../rule.ts'
import type { HubSettings } from './hub-setup.ts'

export const diagnosticsType: RecommendationType = {
  recommendationType: 'IoT_EnableDiagnosticsLogs',
  displayName: 'Enable diagnostics logs',
  severity: 'Low',
  description:
    'Which devices come and go, and when they connect, is written down nowhere. After an incident ' +
    'nobody can tell what a device did at the hub before.',
  remediationSteps: [
    'Create a route for each source that is named here, such as: twinward route create lifecycle ' +
      '--source DeviceLifecycleEvents.',
    'Read the events with a back-end and keep them up to a year; the hub keeps them for ' +
      'telemetryRetentionHours.',
  ],
}

/** Every recommendation about the hub itself. */
export const HUB_TYPES: readonly RecommendationType[] = [
  denyAllType,
  permissiveRuleType,
  recommendedRulesType,
  diagnosticsType,
]

/** What a hub's settings say about it; of one that only its own machine reaches, nothing. Pure. */
export function assessHub(settings: HubSettings): readonly Verdict[] {
  const { isLocalOnly, ipRules, observedAddresses } = settings
  if (isLocalOnly) return HUB_TYPES.map((type) => ({ type, assessment: { isGood: true } }))
  return [
    { type: denyAllType, assessment: assessDenyAll(ipRules) },
    { type: permissiveRuleType, assessment: assessRanges(ipRules) },
    { type: recommendedRulesType, assessment: assessObserved(ipRules, observedAddresses) },
    { type: diagnosticsType, assessment: assessEvents(settings) },
  ]
}

function assessEvents({ storedEvents }: HubSettings): Assessment {
  const missing = [
    ...(storedEvents.lifecycle ? [] : ['DeviceLifecycleEvents']),
    ...(storedEvents.connections ? [] : ['DeviceConnectionStateEvents']),
  ]
  if (missing.length === 0) return { isGood: true }
  return { isGood: false, additionalData: { Sources: JSON.stringify(missing) } }
}
