import { rolloutStep } from '../rollout-step.ts'

export const rolloutAdvance = rolloutStep('advance', {
  details:
    'Begins the next wave without waiting for the current one; of the last wave, ends the rollout.',
  meaning: 'you know enough',
})
