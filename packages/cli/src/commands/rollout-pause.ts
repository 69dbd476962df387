import { rolloutStep } from '../rollout-step.ts'

export const rolloutPause = rolloutStep('pause', {
  details:
    'No further wave begins; the twins of the current one keep the configuration, or get it yet.',
  meaning: 'look at it first',
})
