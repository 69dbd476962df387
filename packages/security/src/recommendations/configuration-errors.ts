import type { JsonObject } from '@twinward/protocol'
import { printable } from '../detection/printable.ts'
import type { AgentRecord } from '../ingestion/record.ts'
import type { Assessment, RecommendationType } from './recommendation.ts'
import type { RecommendationRule } from './rule.ts'

/** Errors listed in `Errors`. */
const MAX_LISTED_ERRORS = 20
const MAX_TEXT_CHARACTERS = 256

const STEPS = [
  'Look at the settings that the agent names.',
  'Change them in the desired properties of the security module; the recommendation is resolved ' +
    'with the change.',
]

export const notOptimalType: RecommendationType = {
  // The type was never published; this name is ours, and so is the next.
  recommendationType: 'IoT_TwinConfigurationNotOptimal',
  displayName: 'Security twin configuration not optimal',
  severity: 'Low',
  description: 'The security agent runs with its configuration, but says that it could be better.',
  remediationSteps: [
    ...STEPS,
    '`maxMessageSizeInBytes` should be a multiple of 4096, by which messages are counted.',
  ],
}

export const conflictType: RecommendationType = {
  recommendationType: 'IoT_TwinConfigurationConflict',
  displayName: 'Security twin configuration conflict',
  severity: 'Low',
  description: 'Settings of the security agent contradict each other.',
  remediationSteps: [
    ...STEPS,
    'The cache (`maxLocalCacheSizeInBytes`) must hold a message (`maxMessageSizeInBytes`), and ' +
      'messages of high priority must be sent at least as often as those of low priority.',
  ],
}

/** What agents say about their configuration; a change of desired resolves it (`Assessor`). */
export const configurationRules: readonly RecommendationRule[] = [
  errorRule(notOptimalType, 'notoptimal'),
  errorRule(conflictType, 'conflict'),
]

function errorRule(type: RecommendationType, errorType: string): RecommendationRule {
  return {
    type,
    kinds: ['agent'],
    isOccasional: true,
    evaluate: (record) => {
      if (record.kind !== 'agent' || record.type !== 'configError') return undefined
      return assessErrors(record, errorType)
    },
  }
}

/** An error of another kind says nothing about this one. */
function assessErrors({ payload }: AgentRecord, errorType: string): Assessment | undefined {
  const errors = payload.filter(({ ErrorType }) => String(ErrorType).toLowerCase() === errorType)
  if (errors.length === 0) return undefined
  const listed = errors.slice(0, MAX_LISTED_ERRORS).map(shown)
  return { isGood: false, additionalData: { Errors: JSON.stringify(listed) } }
}

function shown({ ConfigurationName, Message }: JsonObject): object {
  return { ConfigurationName: text(ConfigurationName), Message: text(Message) }
}

function text(value: unknown): string {
  return typeof value === 'string' ? printable(value, MAX_TEXT_CHARACTERS) : ''
}
