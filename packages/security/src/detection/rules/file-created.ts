import { ASK_WHETHER_PLANNED, HAND_OVER } from '../advice.ts'
import { fileRule } from '../file-rule.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 15,
  alertType: 'IoT_FileCreated',
  displayName: 'New file created',
  severity: 'High',
  intent: 'Impact',
  description:
    'A file appeared in a directory that you let the agent watch because nothing should change ' +
    'there outside of updates.',
  remediationSteps: [
    ASK_WHETHER_PLANNED,
    'Look at the file: what is it, who owns it, does anything start it?',
    'Look at the processes of the same minute for what did it.',
    HAND_OVER,
  ],
  techniques: ['T1105', 'T1543'],
}

/** A new file in a watched directory. */
export const fileCreated: Rule = fileRule(type, 'a file was created', (facts) => facts.isCreated)
