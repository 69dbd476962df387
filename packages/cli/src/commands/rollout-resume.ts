import { rolloutStep } from '../rollout-step.ts'

export const rolloutResume = rolloutStep('resume', {
  details: 'Goes on where it was, also after a halt: the current wave has its whole time again.',
  meaning: 'after you have seen why it halted',
})
