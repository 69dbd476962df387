import { rolloutStep } from '../rollout-step.ts'

export const rolloutRollback = rolloutStep('rollback', {
  details: 'Takes the configuration away from all that have it: they get what they had before.',
  meaning: 'take it back',
})
